// SPDX-License-Identifier: Apache-2.0
// What holds for every plugin of plugins/: one exported symbol, a manifest that says what its source says, and a schema
// that its own examples fit.
#include "corpus.hpp"

#include "plugin/config_check.hpp"
#include "plugin/finder.hpp"

#include <sstream>

namespace castra {
namespace {

using nlohmann::json;

std::vector<std::string> shipped() {
    std::vector<std::string> ids;
    std::istringstream list(CASTRA_SHIPPED_PLUGINS);
    for (std::string id; std::getline(list, id, ',');)
        ids.push_back(id);
    return ids;
}

class Shipped : public Corpus, public ::testing::WithParamInterface<std::string> {
protected:
    std::filesystem::path file() const {
        return std::filesystem::path(CASTRA_BINARY_DIR) / "lib/castra/plugins" / (GetParam() + ".so");
    }
    // The last word of each line that a command prints.
    static std::vector<std::string> last_words(const std::string& command) {
        std::vector<std::string> words;
        auto* pipe = ::popen(command.c_str(), "r");
        char line[4096];
        while (std::fgets(line, sizeof line, pipe) != nullptr) {
            std::istringstream in(line);
            std::string word;
            while (in >> word) {
            }
            words.push_back(word);
        }
        EXPECT_EQ(::pclose(pipe), 0) << command;
        return words;
    }
};

TEST_P(Shipped, ExportsOneSymbol) {
    EXPECT_EQ(last_words("nm -D --defined-only " + file().string()),
              std::vector<std::string>{"castra_plugin_entry_v1"});
}

TEST_P(Shipped, HasTheManifestOfItsSource) {
    const auto built = read_manifest(file());
    ASSERT_TRUE(built) << built.error().text;
    const auto source = std::filesystem::path(CASTRA_SOURCE_DIR) / "plugins" / GetParam() / "manifest.json";
    const auto written = parse_manifest(read_file(source));
    ASSERT_TRUE(written) << written.error().text;
    EXPECT_EQ(built->id, GetParam());
    EXPECT_EQ(built->kinds, written->kinds);
    EXPECT_EQ(built->config_schema, written->config_schema);
    EXPECT_EQ(built->contract_min, written->contract_min);
    EXPECT_TRUE(std::filesystem::exists(source.parent_path() / "README.md"));
}

TEST_P(Shipped, FitsTheSchemaOfManifests) {
    const auto root = std::filesystem::path(CASTRA_SOURCE_DIR);
    Manifest schema;
    schema.id = "schema";
    schema.config_schema = json::parse(read_file(root / "sdk/schema/manifest.json"));
    const auto fits =
        check_plugin_config(schema, json::parse(read_file(root / "plugins" / GetParam() / "manifest.json")));
    EXPECT_TRUE(fits) << fits.error().text;
}

TEST_P(Shipped, HasASchemaThatItsExamplesFit) {
    const auto manifest = read_manifest(file());
    ASSERT_TRUE(manifest);
    for (const auto& example : manifest->config_schema.value("examples", json::array())) {
        const auto checked = check_plugin_config(*manifest, example);
        EXPECT_TRUE(checked) << example << ": " << checked.error().text;
    }
    const auto wrong = check_plugin_config(*manifest, {{"no-such-option", 1}});
    EXPECT_FALSE(wrong) << "additionalProperties should be false";
}

TEST_P(Shipped, LoadsAndChangesNothing) {
    const auto library = registry.load(place(file(), GetParam() + ".so"));
    EXPECT_TRUE(library) << library.error().text;
}

INSTANTIATE_TEST_SUITE_P(Plugins, Shipped, ::testing::ValuesIn(shipped()), [](const auto& test) {
    auto name = test.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

} // namespace
} // namespace castra
