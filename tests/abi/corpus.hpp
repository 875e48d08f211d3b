// SPDX-License-Identifier: Apache-2.0
// The corpus of test plugins: each test gets copies in a directory of its own, which is trusted whatever the umask of
// the build was.
#pragma once
#include "plugin/host_services.hpp"
#include "plugin/registry.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <vector>

namespace castra {

class RecordingHost : public HostServices {
public:
    void log(std::string_view plugin, PluginLogLevel, std::string_view text) override {
        logged.push_back(std::string(plugin) + ": " + std::string(text));
    }
    Result<> emit(std::string_view plugin, const nlohmann::json& event) override {
        if (event.value("message", "") == "refuse me")
            return fail(ErrorCode::protocol, "rule 20: not yours", "emit x.*");
        emitted.push_back(event);
        emitted.back()["by"] = plugin;
        return {};
    }
    PluginHostTime now() override { return {5, 6}; }
    bool cancelled() override { return is_cancelled; }
    Result<Secret> secret(std::string_view plugin, const std::string& name) override {
        if (name == "token") return Secret("hush \"" + std::string(plugin) + "\"");
        return fail(ErrorCode::not_found, "no secret " + name, "add it");
    }

    std::vector<std::string> logged;
    std::vector<nlohmann::json> emitted;
    bool is_cancelled = false;
};

class TemporaryDir {
public:
    TemporaryDir() {
        std::string name = std::filesystem::temp_directory_path() / "castra-test-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    TemporaryDir(const TemporaryDir&) = delete;
    TemporaryDir& operator=(const TemporaryDir&) = delete;
    ~TemporaryDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

// In which way the plugins of this test program run: in_process_corpus.cpp or isolated_corpus.cpp.
bool is_isolated();
PluginPolicy test_policy(const std::filesystem::path& dir);

class Corpus : public ::testing::Test {
protected:
    ~Corpus() override {
        ::unsetenv("CASTRA_TEST_MARK");
        ::unsetenv("CASTRA_TEST_DISTURB");
    }
    // A copy, made once: writing into a file that is loaded crashes the process.
    std::filesystem::path place(const std::filesystem::path& from, const std::string& as) const {
        const auto to = dir.path() / as;
        if (std::filesystem::exists(to)) return to;
        std::filesystem::create_directories(to.parent_path());
        std::filesystem::permissions(to.parent_path(), std::filesystem::perms(0700));
        std::filesystem::copy_file(from, to);
        std::filesystem::permissions(to, std::filesystem::perms(0644));
        return to;
    }
    // A copy of a corpus plugin.
    std::filesystem::path plugin(const std::string& id) const {
        return place(std::filesystem::path(CASTRA_TEST_PLUGINS) / (id + ".so"), id + ".so");
    }
    // What refuses the plugin, as "text | hint".
    std::string refusal_of(const std::string& id) {
        const auto library = registry.load(plugin(id));
        if (library) return "(loaded)";
        EXPECT_EQ(library.error().code, ErrorCode::plugin);
        return library.error().text + " | " + library.error().hint;
    }
    PluginInstance make(const std::string& id, const std::string& kind,
                        const nlohmann::json& config = nlohmann::json::object()) {
        const auto library = registry.load(plugin(id));
        if (!library) throw std::runtime_error(library.error().text);
        auto instance = registry.create(id, kind, config);
        if (!instance) throw std::runtime_error(instance.error().text);
        return *std::move(instance);
    }

    TemporaryDir dir;
    RecordingHost host;
    PluginRegistry registry{host, test_policy(dir.path())};
};

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

} // namespace castra
