// Reading settings by name.
#include "engine/settings/loss_names.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "engine/runtime/errors.hpp"

namespace rankgrad {
namespace {

template <class Names> std::string joined(const Names& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + std::string(name);
    return text.empty() ? "nothing" : text;
}

[[noreturn]] void refuse(const char* key, const char* wanted) {
    throw ArgumentError(std::string(key) + ": " + wanted + " is wanted");
}

}  // namespace

int place_in(const char* argument, const std::string& given, const char* const* names, std::size_t count) {
    const char* const* found = std::find(names, names + count, given);
    if (found != names + count) return static_cast<int>(found - names);
    throw ArgumentError(std::string(argument) + ": one of " + joined(std::vector<const char*>(names, names + count)) +
                        " is wanted, got '" + given + "'");
}

void Settings::set(Setting setting) {
    for (const Setting& other : given_)
        if (other.key == setting.key) throw ArgumentError(setting.key + ": is given twice");
    given_.push_back(std::move(setting));
}

Setting* Settings::take(const char* key) {
    if (known_.empty()) known_.reserve(16);
    if (std::find(known_.begin(), known_.end(), std::string_view(key)) == known_.end()) known_.push_back(key);
    for (Setting& setting : given_) {
        if (setting.key != key) continue;
        setting.taken = true;
        return &setting;
    }
    return nullptr;
}

double Settings::number(const char* key, double usual) {
    const Setting* given = take(key);
    if (given == nullptr) return usual;
    if (const auto* x = std::get_if<double>(&given->value)) return *x;
    if (const auto* x = std::get_if<std::uint64_t>(&given->value)) return static_cast<double>(*x);
    refuse(key, "a number");
}

std::uint64_t Settings::whole(const char* key, std::uint64_t usual) {
    const Setting* given = take(key);
    if (given == nullptr) return usual;
    if (const auto* x = std::get_if<std::uint64_t>(&given->value)) return *x;
    refuse(key, "a whole number of at least 0");
}

std::int64_t Settings::count(const char* key) {
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(whole(key, 0), most));
}

std::vector<double> Settings::numbers(const char* key) {
    const Setting* given = take(key);
    if (given == nullptr) return {};
    if (const auto* x = std::get_if<std::vector<double>>(&given->value)) return *x;
    refuse(key, "a list of numbers");
}

Settings Settings::settings(const char* key, const char* usual) {
    Setting* given = take(key);
    if (given == nullptr) return Settings(usual);
    if (auto* x = std::get_if<Settings>(&given->value)) return *x;
    refuse(key, "a name");
}

std::string Settings::word(const char* key, const char* usual) {
    const Setting* given = take(key);
    if (given == nullptr) return usual;
    const auto* x = std::get_if<Settings>(&given->value);
    if (x == nullptr) refuse(key, "a name");
    x->refuse_others();
    return x->name_;
}

bool Settings::flag(const char* key, bool usual) {
    constexpr const char* names[] = {"false", "true"};
    return choice<int>(key, names, usual ? "true" : "false") != 0;
}

void take_parameters(Settings& loss, const Parameter* parameters, double* numbers) {
    for (int k = 0; k < kMostParameters && parameters[k].name != nullptr; ++k) {
        numbers[k] = loss.number(parameters[k].name, parameters[k].usual);
        if (!std::isfinite(numbers[k])) refuse(parameters[k].name, "a finite number");
        if (parameters[k].role == kCutoff && numbers[k] < 0) refuse(parameters[k].name, "a number of at least 0");
    }
    loss.refuse_others();
}

void Settings::refuse_others() const {
    for (const Setting& setting : given_)
        if (!setting.taken)
            throw ArgumentError(setting.key + ": is no setting of " + name_ + ", which has " + joined(known_));
}

}  // namespace rankgrad
