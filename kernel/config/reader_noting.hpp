// SPDX-License-Identifier: Apache-2.0
// What the book is told of a key while Reader reads it: for the files that implement Reader.
#pragma once
#include "config/reader.hpp"

namespace castra {

// A value as `castra config show` has it.
inline nlohmann::json plain(const std::string& text) {
    return text;
}
inline nlohmann::json plain(const std::vector<std::string>& texts) {
    return texts;
}
inline nlohmann::json plain(std::int64_t number) {
    return number;
}
inline nlohmann::json plain(Milliseconds duration) {
    if (duration.count() % 1000 == 0) return duration.count() / 1000;
    return static_cast<double>(duration.count()) / 1000;
}
inline nlohmann::json plain(MemorySize size) {
    return to_string(size);
}
inline nlohmann::json plain(const nlohmann::json& table) {
    return table;
}
inline nlohmann::json plain(const std::map<std::string, Secret>& env) {
    auto out = nlohmann::json::object();
    for (const auto& [name, value] : env)
        out[name] = Secret::mask;
    return out;
}

// Notes one key for as long as it is being read: the value before, the value after, and whether it was well.
template <class Value>
class Reader::Noting {
public:
    template <class MakeShape>
    Noting(const Reader& reader, std::string_view key, const Value& value, MakeShape make_shape)
        : reader_(reader), value_(value) {
        if (!reader.has_book_for(key)) return;
        problems_ = reader.context_->problems.count();
        note_ = KeyNote{
            std::string(reader.known_), reader.key_, std::string(key), make_shape(), plain(value), {}, reader.has(key),
            reader.where(key)};
    }
    Noting(const Noting&) = delete;
    Noting& operator=(const Noting&) = delete;
    ~Noting() {
        if (!note_) return;
        note_->after = plain(value_);
        note_->is_set = note_->is_set && reader_.context_->problems.count() == problems_;
        reader_.context_->book->note(*std::move(note_));
    }

private:
    const Reader& reader_;
    const Value& value_;
    std::size_t problems_ = 0;
    std::optional<KeyNote> note_;
};

} // namespace castra
