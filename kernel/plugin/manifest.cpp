// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.hpp"

#include "plugin/elf_note.hpp"
#include "plugin/json_text.hpp"
#include "plugin/sha256.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <set>

namespace castra {
namespace {

using nlohmann::json;

constexpr std::size_t list_entries_max = 256;

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && is_lower(text[0]) &&
           std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_kind(std::string_view text) {
    for (const std::string_view kind : {"launcher", "broker_launcher", "bootstrap_step", "reporter"}) {
        const auto head = "castra." + std::string(kind) + "/";
        if (!text.starts_with(head)) continue;
        const auto revision = text.substr(head.size());
        return !revision.empty() && revision[0] != '0' && std::ranges::all_of(revision, is_digit);
    }
    return false;
}

bool is_event_type(std::string_view text) {
    return !text.empty() && text.size() <= 128 && is_lower(text[0]) && std::ranges::all_of(text, [](char c) {
        return is_lower(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
    });
}

bool is_isolation(std::string_view text) {
    return text == "in-process" || text == "process";
}

std::optional<ContractVersion> parse_version(std::string_view text) {
    ContractVersion version;
    const auto* end = text.data() + text.size();
    const auto major = std::from_chars(text.data(), end, version.major);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    if (minor.ec != std::errc() || minor.ptr != end) return std::nullopt;
    return version;
}

// Reads fields and keeps the first complaint; after one, everything else is empty.
class Fields {
public:
    Fields(const json& from, std::string at) : from_(from), at_(std::move(at)) {}

    std::string text(const char* key, std::size_t size_max, const std::function<bool(std::string_view)>& is_fine) {
        const auto* value = field(key, json::value_t::string, "a string");
        if (value == nullptr) return {};
        const auto& text = value->get_ref<const std::string&>();
        if (text.size() > size_max || !is_fine(text)) complain(key, "\"" + clipped(text) + "\" is not allowed here");
        return text;
    }
    std::uint16_t number(const char* key, std::uint64_t min) {
        const auto found = from_.find(key);
        if (found == from_.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() < min ||
            found->get<std::uint64_t>() > 65535) {
            complain(key, "must be an integer of " + std::to_string(min) + "..65535");
            return 0;
        }
        return found->get<std::uint16_t>();
    }
    json object(const char* key) {
        const auto* value = field(key, json::value_t::object, "an object");
        return value ? *value : json::object();
    }
    std::vector<std::string> texts(const char* key, std::size_t count_min, bool (*is_fine)(std::string_view)) {
        const auto* value = field(key, json::value_t::array, "an array");
        std::vector<std::string> texts;
        if (value == nullptr) return texts;
        if (value->size() < count_min || value->size() > list_entries_max)
            complain(key, "has " + std::to_string(value->size()) + " entries");
        for (const auto& entry : *value) {
            if (!entry.is_string() || !is_fine(entry.get_ref<const std::string&>()))
                complain(key,
                         clipped(entry.dump(-1, ' ', true, json::error_handler_t::replace)) + " is not allowed here");
            else if (std::ranges::find(texts, entry.get_ref<const std::string&>()) != texts.end())
                complain(key, clipped(entry.get_ref<const std::string&>()) + " stands twice");
            else
                texts.push_back(entry);
        }
        return texts;
    }
    void only(const std::set<std::string_view>& known) {
        for (const auto& entry : from_.items())
            if (!known.contains(entry.key())) complain(clipped(entry.key()), "is unknown");
    }
    void complain(std::string_view key, const std::string& what) {
        if (problem_.empty()) problem_ = "\"" + at_ + std::string(key) + "\" " + what;
    }
    const std::string& problem() const { return problem_; }

private:
    const json* field(const char* key, json::value_t type, const char* wanted) {
        const auto found = from_.find(key);
        if (found != from_.end() && found->type() == type) return &*found;
        complain(key, std::string("must be ") + wanted);
        return nullptr;
    }

    const json& from_;
    std::string at_, problem_;
};

} // namespace

std::string to_string(ContractVersion version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

bool Manifest::provides(std::string_view kind) const {
    return std::ranges::find(kinds, kind) != kinds.end();
}
bool Manifest::accepts_isolation(std::string_view how) const {
    return std::ranges::find(isolation, how) != isolation.end();
}

Result<Manifest> parse_manifest(std::string_view text) {
    auto parsed = parse_json_object(text);
    if (!parsed) return Failure(parsed.error().within("manifest"));
    const auto any = [](std::string_view) { return true; };

    Manifest manifest;
    Fields top(*parsed, "");
    manifest.id = top.text("id", 64, is_id);
    manifest.version = top.text("version", 64, [](std::string_view v) { return !v.empty(); });
    manifest.description = top.text("description", 400, any);
    manifest.kinds = top.texts("kinds", 1, is_kind);
    manifest.config_schema = top.object("config_schema");
    manifest.emits = top.texts("emits", 0, is_event_type);
    manifest.isolation = top.texts("isolation", 1, is_isolation);
    const auto abi_json = top.object("abi"), contract_json = top.object("contract");
    top.only({"id", "version", "description", "kinds", "abi", "contract", "config_schema", "emits", "isolation"});
    if (manifest.config_schema.value("type", json()) != "object")
        top.complain("config_schema", "must have type object");

    Fields abi(abi_json, "abi."), contract(contract_json, "contract.");
    manifest.abi_major = abi.number("major", 1);
    manifest.abi_minor_min = abi.number("minor_min", 0);
    abi.only({"major", "minor_min"});
    const auto min = contract.text("min", 16, [](std::string_view v) { return parse_version(v).has_value(); });
    manifest.contract_min = parse_version(min).value_or(ContractVersion{});
    manifest.contract_max_major = contract.number("max_major", 0);
    contract.only({"min", "max_major"});

    for (const auto* fields : {&top, &abi, &contract})
        if (!fields->problem().empty()) return fail(ErrorCode::plugin, "manifest: " + fields->problem());
    manifest.sha256 = sha256_of(text);
    return manifest;
}

Result<Manifest> read_manifest(const std::filesystem::path& file) {
    CASTRA_TRY(note, read_manifest_note(file));
    return parse_manifest(note).map_error([&](const Error& error) { return error.within(file.string()); });
}

} // namespace castra
