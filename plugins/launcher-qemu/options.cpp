// SPDX-License-Identifier: Apache-2.0
#include "launcher-qemu/options.hpp"

#include "castra/sdk/nearest.hpp"
#include "castra/sdk/refusal.hpp"

#include <algorithm>
#include <map>

namespace castra::launcher_qemu {
namespace {

using sdk::Refusal;

constexpr std::int64_t tb_size_mib_max = 4096;

[[noreturn]] void refuse(const std::string& key, const std::string& title, const std::string& hint) {
    throw Refusal({.code = "invalid_option", .title = title, .field_path = "/vm/options/" + key, .hint = hint});
}

// One option at a time: the type is checked, then the words or the range.
class Reader {
public:
    explicit Reader(const Json& options) : options_(options) {}

    void read(const char* key, bool& out) const {
        if (const auto* value = find(key, &Json::is_boolean, "true or false")) out = value->get<bool>();
    }
    void read(const char* key, std::string& out) const {
        if (const auto* value = find(key, &Json::is_string, "a text")) out = checked(key, value->get<std::string>());
    }
    void read(const char* key, std::vector<std::string>& out) const {
        const auto* list = find(key, &Json::is_array, "a list of texts");
        if (list == nullptr) return;
        out.clear();
        for (const auto& item : *list) {
            if (!item.is_string())
                refuse(key, "option " + std::string(key) + " must be a list of texts", "it has " + item.dump());
            out.push_back(checked(key, item.get<std::string>()));
        }
    }
    void read(const char* key, std::int64_t& out, std::int64_t min, std::int64_t max) const {
        const auto* value = find(key, &Json::is_number_integer, "a whole number");
        if (value == nullptr) return;
        const auto range = std::to_string(min) + ".." + std::to_string(max);
        if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(max))
            refuse(key, "option " + std::string(key) + " is out of range", range);
        out = value->get<std::int64_t>();
        if (out < min || out > max) refuse(key, "option " + std::string(key) + " is out of range", range);
    }
    template <class Enum>
    void read(const char* key, Enum& out, const std::map<std::string, Enum>& words) const {
        std::string word;
        read(key, word);
        if (options_.find(key) == options_.end()) return;
        const auto found = words.find(word);
        if (found == words.end()) {
            std::string known;
            for (const auto& [name, unused] : words)
                known += (known.empty() ? "" : ", ") + name;
            refuse(key, "option " + std::string(key) + " = \"" + word + "\" is unknown", "one of " + known);
        }
        out = found->second;
    }

private:
    const Json* find(const char* key, bool (Json::*is_right)() const noexcept, const char* wanted) const {
        const auto found = options_.find(key);
        if (found == options_.end()) return nullptr;
        if (!((*found).*is_right)())
            refuse(key, "option " + std::string(key) + " must be " + wanted, "it is " + found->dump());
        return &*found;
    }
    // An argument ends at its first NUL: what follows would be lost in silence.
    static std::string checked(const char* key, std::string text) {
        if (text.find('\0') != std::string::npos)
            refuse(key, "option " + std::string(key) + " contains a NUL", "remove it");
        return text;
    }

    const Json& options_;
};

void refuse_unknown(const Json& options) {
    static const std::vector<std::string> known{"machine", "accelerator", "cpu",     "tb_size_mib", "acpi",
                                                "network", "qemu_binary", "sandbox", "qemu_img",    "extra_args"};
    for (const auto& [key, value] : options.items())
        if (std::ranges::find(known, key) == known.end())
            refuse(key, "the launcher qemu has no option \"" + key + "\"", sdk::options_hint(key, known));
}

} // namespace

Options decode_options(const Json& options, const Json& defaults) {
    if (!options.is_object()) refuse("", "options must be a table", "it is " + options.dump());
    refuse_unknown(options);
    Options out;
    const Reader config(defaults);
    config.read("qemu_binary", out.qemu_binary);
    config.read("qemu_img", out.qemu_img);
    const Reader vm(options);
    vm.read("machine", out.machine,
            {{"q35", MachineType::q35}, {"pc", MachineType::pc}, {"microvm", MachineType::microvm}});
    vm.read("accelerator", out.accelerator,
            {{"auto", Accelerator::automatic}, {"kvm", Accelerator::kvm}, {"tcg", Accelerator::tcg}});
    vm.read("cpu", out.cpu);
    vm.read("tb_size_mib", out.tb_size_mib, 1, tb_size_mib_max);
    out.acpi = out.machine != MachineType::microvm;
    vm.read("acpi", out.acpi);
    vm.read("network", out.network);
    vm.read("sandbox", out.sandbox);
    vm.read("qemu_binary", out.qemu_binary);
    vm.read("qemu_img", out.qemu_img);
    vm.read("extra_args", out.extra_args);
    for (const auto* key : {"qemu_binary", "qemu_img"})
        if ((key[5] == 'b' ? out.qemu_binary : out.qemu_img).empty())
            refuse(key, "option " + std::string(key) + " is empty", "leave it out for the one in PATH");
    if (!out.acpi && out.machine != MachineType::microvm)
        refuse("acpi", "only microvm can be without ACPI", "remove acpi, or set machine = \"microvm\"");
    if (out.cpu == "host" && out.accelerator == Accelerator::tcg)
        refuse("cpu", "cpu = \"host\" needs KVM", "remove cpu, or name a model of `qemu-system-x86_64 -cpu help`");
    return out;
}

std::string text_of(MachineType machine) {
    switch (machine) {
    case MachineType::q35:
        return "q35";
    case MachineType::pc:
        return "pc";
    case MachineType::microvm:
        return "microvm";
    }
    return "q35";
}

} // namespace castra::launcher_qemu
