// What this plugin promises, tried through the real border; castra does not run.
#include <castra/testkit/check.hpp>
#include <castra/testkit/plugin_under_test.hpp>
#include <castra/testkit/samples.hpp>

#include <filesystem>
#include <fstream>

using namespace castra::testkit;
using castra::sdk::Refusal;

int main() {
    static HostDouble host;
    const PluginUnderTest plugin(CASTRA_PLUGIN_FILE, host);
    const auto file = std::filesystem::temp_directory_path() / "%ID%-test.txt";
    std::filesystem::remove(file);

    const auto reporter = plugin.reporter({{"path", file.string()}});
    reporter.open(sample_open("up"));
    reporter.events({.events = {sample_event(1, "command.accepted"),
                                sample_event(2, "vm.ready", "info", {{"vm", "web-0"}})}});
    reporter.events({.events = {sample_event(3, "x.future.type", "warn")}});
    reporter.flush();
    reporter.close();

    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    CASTRA_CHECK_THAT(text == "up of project sample\n1 info command.accepted -\n2 info vm.ready web-0\n"
                              "3 warn x.future.type -\n");
    CASTRA_CHECK_THAT(throws<Refusal>([&] { plugin.reporter({{"path", "/nowhere/at/all"}}); },
                                      [](const Refusal& refusal) { return refusal.text().field_path == "/path"; }));
    std::filesystem::remove(file);
    return result();
}
