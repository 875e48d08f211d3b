// SPDX-License-Identifier: Apache-2.0
#include "validator/static_checks.hpp"

#include "host/files.hpp"
#include "plugin/config_check.hpp"
#include "plugin/elf_note.hpp"
#include "plugin/library.hpp"

#include <cstring>
#include <elf.h>
#include <functional>
#include <optional>

namespace castra {
namespace {

using nlohmann::json;

constexpr std::size_t file_bytes_max = 512UL * 1024 * 1024;
#ifndef STB_GNU_UNIQUE
#define STB_GNU_UNIQUE 10
#endif

struct Symbol {
    std::string name;
    unsigned char binding = 0, visibility = 0;
    bool is_defined = false, is_dynamic = false;
};

// Of every symbol table that is there. A damaged one ends early: what was read counts.
std::vector<Symbol> symbols_of(std::string_view bytes) {
    std::vector<Symbol> symbols;
    const auto read = [&]<class T>(std::uint64_t at, T& out) {
        if (at > bytes.size() || bytes.size() - at < sizeof(T)) return false;
        std::memcpy(&out, bytes.data() + at, sizeof(T));
        return true;
    };
    Elf64_Ehdr header{};
    if (!read(0, header) || header.e_shentsize != sizeof(Elf64_Shdr)) return symbols;
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
        Elf64_Shdr table{};
        if (!read(header.e_shoff + i * sizeof table, table)) break;
        if (table.sh_type != SHT_DYNSYM && table.sh_type != SHT_SYMTAB) continue;
        Elf64_Shdr names{};
        if (!read(header.e_shoff + std::uint64_t{table.sh_link} * sizeof names, names)) continue;
        for (std::uint64_t n = 1; n < table.sh_size / sizeof(Elf64_Sym); ++n) {
            Elf64_Sym symbol{};
            if (!read(table.sh_offset + n * sizeof symbol, symbol)) break;
            const auto at = names.sh_offset + symbol.st_name;
            if (at >= bytes.size()) break;
            const auto rest = bytes.substr(at, 4096);
            symbols.push_back({std::string(rest.substr(0, rest.find('\0'))),
                               static_cast<unsigned char>(ELF64_ST_BIND(symbol.st_info)),
                               static_cast<unsigned char>(ELF64_ST_VISIBILITY(symbol.st_other)),
                               symbol.st_shndx != SHN_UNDEF, table.sh_type == SHT_DYNSYM});
        }
    }
    return symbols;
}

CheckResult judge(const Result<>& outcome) {
    return outcome ? check_passed() : check_failed(outcome.error().text, outcome.error().hint);
}

class StaticChecks {
public:
    explicit StaticChecks(std::filesystem::path file) : file_(std::move(file)) {}

    std::vector<CheckResult> run(std::string& id) {
        add("static.elf", [this] { return elf(); });
        add("static.note", [this] { return note(); });
        add("static.manifest", [this] { return manifest(); });
        if (manifest_) id = manifest_->id;
        add("static.name", [this] { return name(); });
        add("static.abi", [this] { return fits("plugin ABI"); });
        add("static.contract", [this] { return fits("event contract"); });
        add("static.kinds", [this] { return fits("this castra does not know"); });
        add("static.unique", [this] { return unique(); });
        add("static.exports", [this] { return exports(); });
        add("static.fast_math", [this] { return fast_math(); });
        add("static.schema", [this] { return schema(); });
        add("static.examples", [this] { return examples(); });
        return std::move(results_);
    }

private:
    void add(const char* name, const std::function<CheckResult()>& check) {
        auto result = is_pointless_ ? check_skipped("an earlier check failed") : check();
        result.name = name;
        result.level = 1;
        results_.push_back(std::move(result));
    }

    CheckResult elf() {
        auto bytes = files::read(file_, file_bytes_max);
        if (!bytes) {
            is_pointless_ = true;
            return check_failed(bytes.error().text);
        }
        bytes_ = std::move(*bytes);
        const auto note = read_manifest_note(file_);
        const bool is_bad = !note && (note.error().text.find("no ELF") != std::string::npos ||
                                      note.error().text.find("cut short") != std::string::npos ||
                                      note.error().text.find("another machine") != std::string::npos ||
                                      note.error().text.find("ELF type") != std::string::npos ||
                                      note.error().text.find("damaged ELF") != std::string::npos);
        is_pointless_ = is_bad;
        return is_bad ? check_failed(note.error().text, note.error().hint) : check_passed();
    }
    CheckResult note() {
        auto note = read_manifest_note(file_);
        is_pointless_ = !note;
        return note ? check_passed() : check_failed(note.error().text, note.error().hint);
    }
    CheckResult manifest() {
        auto read = read_manifest(file_);
        is_pointless_ = !read;
        if (!read) return check_failed(read.error().text, "see sdk/schema/manifest.json");
        manifest_ = std::move(*read);
        return check_passed();
    }
    CheckResult name() const {
        if (file_.stem() == manifest_->id) return check_passed();
        return check_failed("the file is named " + file_.filename().string() + ", its id is " + manifest_->id,
                            "name the file " + manifest_->id + ".so: that is where castra looks");
    }
    // One of the refusals that loading begins with, by what its text speaks of.
    CheckResult fits(std::string_view subject) const {
        const auto how = manifest_->accepts_isolation("process") ? Isolation::process : Isolation::in_process;
        const auto outcome = check_compatible(*manifest_, ContractVersion{}, how);
        const bool is_about = !outcome && outcome.error().text.find(subject) != std::string::npos;
        return is_about ? judge(outcome) : check_passed();
    }
    CheckResult unique() const {
        for (const auto& symbol : symbols_of(bytes_))
            if (symbol.binding == STB_GNU_UNIQUE)
                return check_failed("has the unique symbol " + symbol.name,
                                    "build with -fno-gnu-unique, as castra_add_plugin() does: such a variable is "
                                    "shared by all plugins");
        return check_passed();
    }
    CheckResult exports() const {
        std::string others;
        bool has_entry = false;
        for (const auto& symbol : symbols_of(bytes_)) {
            if (!symbol.is_dynamic || !symbol.is_defined || symbol.binding == STB_LOCAL || symbol.name.empty())
                continue;
            if (symbol.name == CASTRA_PLUGIN_ENTRY_SYMBOL)
                has_entry = true;
            else
                others += (others.empty() ? "" : ", ") + symbol.name;
        }
        if (!has_entry)
            return check_failed("exports no " CASTRA_PLUGIN_ENTRY_SYMBOL,
                                "end the plugin's source with CASTRA_PLUGIN(YourClass)");
        if (others.empty()) return check_passed();
        return check_failed("exports more than its entry: " + others.substr(0, 400),
                            "build with castra_add_plugin(): its version script lets one symbol out");
    }
    CheckResult fast_math() const {
        for (const auto& symbol : symbols_of(bytes_))
            if (symbol.name == "set_fast_math")
                return check_failed("was linked with -ffast-math: it would change how the whole process calculates",
                                    "compile with -ffast-math if you must, but do not link with it");
        return check_passed();
    }
    // The schema can be read, and it says no to what it does not know.
    CheckResult schema() const {
        const auto checked = check_plugin_config(*manifest_, {{"no-such-option-of-anybody", 1}});
        if (checked) return check_failed("takes any option, also misspelt ones", "set \"additionalProperties\": false");
        const auto empty = check_plugin_config(*manifest_, json::object());
        if (!empty && empty.error().code == ErrorCode::plugin) return judge(Failure(empty.error()));
        return check_passed();
    }
    CheckResult examples() const {
        for (const auto& example : manifest_->config_schema.value("examples", json::array()))
            if (const auto checked = check_plugin_config(*manifest_, example); !checked)
                return check_failed("its own example " + example.dump() + " does not fit: " + checked.error().text,
                                    checked.error().hint);
        const auto properties = manifest_->config_schema.value("properties", json::object());
        for (const auto& property : properties.items()) {
            if (!property.value().is_object() || !property.value().contains("default")) continue;
            auto alone = *manifest_; // is the default of this property of its own type?
            alone.config_schema.erase("required");
            const auto checked = check_plugin_config(alone, {{property.key(), property.value()["default"]}});
            if (!checked) return check_failed("the default of " + property.key() + ": " + checked.error().text);
        }
        return check_passed();
    }

    std::filesystem::path file_;
    std::string bytes_;
    std::optional<Manifest> manifest_;
    std::vector<CheckResult> results_;
    bool is_pointless_ = false;
};

} // namespace

std::vector<CheckResult> static_checks(const std::filesystem::path& file, std::string& id) {
    return StaticChecks(file).run(id);
}

} // namespace castra
