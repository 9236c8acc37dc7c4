// Settings: what a loss is made from, in whatever language the caller writes: a name, and values by name, some of which
// have settings of their own. As text:
//   pairwise(loss=quantile(tau=0.3), temperature=0.5, lambda_weight=ndcg(k=10, gain=[0, 1, 3]), reduction=sum)
// Whoever makes something takes what it knows; what is left then is refused, with the names that would do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/settings/choices.hpp"

namespace rankgrad {

struct Setting;

/// Settings in settings, so many deep at most: readers are recursive.
constexpr int kDeepestSettings = 8;

class Settings {
public:
    explicit Settings(std::string name = {}) : name_(std::move(name)) {}
    /// Throws ArgumentError naming the place where the text is no settings.
    static Settings parse(const std::string& text);

    const std::string& name() const { return name_; }
    /// Throws ArgumentError if `key` was set before.
    void set(Setting setting);

    // Each takes the value of `key` out, or gives the usual one; throws ArgumentError for a value of another kind.
    double number(const char* key, double usual);
    std::uint64_t whole(const char* key, std::uint64_t usual);
    std::int64_t count(const char* key);  ///< a whole number, 0 if none is given; the largest for a larger one
    bool flag(const char* key, bool usual);
    std::vector<double> numbers(const char* key);
    std::string word(const char* key, const char* usual);  ///< settings without any
    Settings settings(const char* key, const char* usual);
    template <class Enum, std::size_t count>
    Enum choice(const char* key, const char* const (&names)[count], const char* usual) {
        return one_of<Enum>(key, word(key, usual), names);
    }

    /// Throws ArgumentError if anything is left.
    void refuse_others() const;

private:
    Setting* take(const char* key);

    std::string name_;
    std::vector<Setting> given_;
    std::vector<const char*> known_;  ///< what was taken, or would have been
};

/// A name alone is settings without any.
struct Setting {
    using Value = std::variant<double, std::uint64_t, std::vector<double>, Settings>;
    std::string key;
    Value value;
    bool taken = false;
};

}  // namespace rankgrad
