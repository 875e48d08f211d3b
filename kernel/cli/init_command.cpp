// SPDX-License-Identifier: Apache-2.0
// castra init: writes a castra.toml that comes up as it is. Asks nothing, never overwrites.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "config/load.hpp"
#include "host/files.hpp"
#include "host/new_files.hpp"
#include "operations/exit_code.hpp"
#include "state/image_store.hpp"

namespace castra {
namespace {

struct InitOptions {
    std::string directory = ".", name;
};

// "My Project!" to "my-project"; what is left of a folder's name that is none.
std::string name_of(const std::string& folder) {
    std::string out;
    for (const char c : folder) {
        const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9'))
            out += low;
        else if (!out.empty() && out.back() != '-')
            out += '-';
        if (out.size() == 32) break;
    }
    while (!out.empty() && out.back() == '-')
        out.pop_back();
    return out.empty() ? "my-project" : out;
}

std::string text_of(const std::string& name) {
    return R"(# A castra project. What else can stand here: docs/CONFIG.md, configs/default.toml, castra config show.
# For an editor that completes and checks: castra config schema > castra.schema.json, and as the first line
# #:schema ./castra.schema.json
version = "0.2.0"

[project]
name = ")" +
           name +
           R"("

# One entry is a group of like VMs: this one comes up as vm-0; with count = 3 also as vm-1 and vm-2.
[[vms]]
name = "vm"
#count = 3
image = "tiny"      # castra image build tiny; for a disk of your own write base_image = "path/to/disk.qcow2"
cpus = 1
memory = "128 MiB"

# castra ssh vm-0 needs a way in: port 22 of the guest on any free port of 127.0.0.1.
[[vms.port_forwards]]
guest = 22
host = 0

# Another service, on 127.0.0.1:8080 for vm-0, 8081 for vm-1, 8082 for vm-2.
#[[vms.port_forwards]]
#guest = 80
#host = 8080

# Run a script in the guest when it is ready; again only when something changed.
#[vms.bootstrap]
#script = "bootstrap/run.sh"
#payload = "bootstrap/payload"
)";
}

Task<int> init(App& app, const CommandLine& line, InitOptions options) {
    std::error_code problem;
    const auto directory = std::filesystem::absolute(options.directory, problem).lexically_normal();
    const auto file = directory / "castra.toml";
    const auto refuse = [&](const Error& error) {
        if (line.json)
            print(nlohmann::ordered_json{
                      {"error", {{"code", to_string(error.code)}, {"text", error.text}, {"hint", error.hint}}}}
                      .dump(2) +
                  "\n");
        return complain(error);
    };
    if (files::exists(file))
        co_return refuse({ErrorCode::busy, file.string() + " is there already and stays as it is",
                          "castra config check tells whether it is good; or name another directory"});
    const auto name = options.name.empty()
                          ? name_of(directory.has_filename() ? directory.filename().string()
                                                             : directory.parent_path().filename().string())
                          : options.name;
    const auto text = text_of(name);
    if (const auto good = parse_project(text, file, {app.installation().environment.home}); !good)
        co_return refuse({ErrorCode::usage, good.error().front().text, good.error().front().hint});
    std::filesystem::create_directories(directory, problem); // what cannot be made is told by the next line
    if (const auto made = files::make_new(file, text); !made) co_return refuse(made.error());
    const bool has_image = files::exists(cache_dir(app.installation().environment) / "images/tiny");
    if (line.json)
        print(
            nlohmann::ordered_json{{"file", file.string()}, {"project", name}, {"image_is_there", has_image}}.dump(2) +
            "\n");
    else
        tell(line, "wrote " + file.string() + "\nnext: " + (has_image ? "" : "castra image build tiny, then ") +
                       "castra up, castra ssh vm-0, castra down\n");
    co_return exit_code::succeeded;
}

} // namespace

void add_init(Grammar& grammar) {
    const auto options = Grammar::options<InitOptions>();
    auto init = grammar.add("init", "Write a castra.toml that comes up as it is; asks nothing, never overwrites",
                            [options](App& app, const CommandLine& line) { return castra::init(app, line, *options); });
    init.option("directory", options->directory, "Where; default: here").type_name("DIR");
    init.option("--name", options->name, "What the project is called; default: as its directory");
    grammar.add_json(init);
    init.footer("\nExit code 5: there is a castra.toml already.\n"
                "Examples:\n"
                "  castra init && castra up\n"
                "  castra init demo --name demo");
}

} // namespace castra
