// Settings as text:  name [ "(" key "=" value { "," key "=" value } ")" ],  a value being a number, [numbers] or
// settings.
#include <cstring>
#include <locale>
#include <sstream>

#include "engine/runtime/errors.hpp"
#include "engine/settings/settings.hpp"

namespace rankgrad {
namespace {

class Parser {
public:
    explicit Parser(const std::string& text) : text_(text) {}

    Settings all() {
        Settings settings = read_settings(0);
        if (!next("")) fail("nothing more");
        return settings;
    }

private:
    [[noreturn]] void fail(const char* wanted) const { fail(wanted, at_); }
    [[noreturn]] void fail(const char* wanted, std::size_t at) const {
        throw ArgumentError("settings: " + std::string(wanted) + " is wanted at character " + std::to_string(at) +
                            " of '" + text_ + "'");
    }

    /// Steps over one of these characters, or to the end if they are none.
    bool next(const char* characters) {
        while (at_ < text_.size() && is_one_of(text_[at_], " \t\r\n")) ++at_;
        if (at_ == text_.size()) return *characters == 0;
        if (!is_one_of(text_[at_], characters)) return false;
        ++at_;
        return true;
    }

    static bool is_one_of(char c, const char* characters) { return c != 0 && std::strchr(characters, c) != nullptr; }
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }
    static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

    /// The longest run of letters, digits and these.
    std::string run(const char* others) {
        next(" ");
        const std::size_t begin = at_;
        for (; at_ < text_.size(); ++at_)
            if (const char c = text_[at_]; !is_letter(c) && !is_digit(c) && !is_one_of(c, others)) break;
        return text_.substr(begin, at_ - begin);
    }

    std::string read_name() {
        std::string name = run("_");
        if (name.empty() || is_digit(name[0])) fail("a name", at_ - name.size());
        return name;
    }

    /// Numbers look alike in every country.
    template <class Number> bool read(const std::string& word, Number& number) const {
        std::istringstream in(word);
        in.imbue(std::locale::classic());
        return static_cast<bool>(in >> number) && in.eof();
    }

    double read_number() {
        const std::string word = run("+-.");
        double number = 0;
        if (!read(word, number)) fail("a number", at_ - word.size());
        return number;
    }

    Setting::Value read_value(int depth) {
        if (next("[")) {
            std::vector<double> numbers;
            while (!next("]")) {
                if (!numbers.empty() && !next(",")) fail("a comma or ]");
                numbers.push_back(read_number());
            }
            return numbers;
        }
        const std::size_t begin = at_;
        if (at_ < text_.size() && is_one_of(text_[at_], "+-.0123456789")) {
            const std::string word = run("+-.");
            std::uint64_t whole = 0;
            if (word.find_first_not_of("0123456789") == std::string::npos && read(word, whole)) return whole;
            at_ = begin;
            return read_number();
        }
        return read_settings(depth);
    }

    Settings read_settings(int depth) {
        if (depth > kDeepestSettings) fail("no deeper bracket");
        Settings settings(read_name());
        if (!next("(")) return settings;
        for (bool first = true; !next(")"); first = false) {
            if (!first && !next(",")) fail("a comma or )");
            std::string key = read_name();
            if (!next("=")) fail("=");
            settings.set({std::move(key), read_value(depth + 1)});
        }
        return settings;
    }

    const std::string& text_;
    std::size_t at_ = 0;
};

}  // namespace

Settings Settings::parse(const std::string& text) { return Parser(text).all(); }

}  // namespace rankgrad
