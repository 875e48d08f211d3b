// SPDX-License-Identifier: Apache-2.0
// castra image: guest images from their recipes.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "operations/exit_code.hpp"
#include "operations/image_build.hpp"

namespace castra {
namespace {

struct ImageOptions {
    std::string name;
    bool force = false;
};

Task<int> image_build(App& app, const CommandLine& line, ImageOptions options) {
    const auto cancel = app.cancelled_by_signal();
    RecipeWish wish{options.name, options.force, {}};
    wish.say = [](const std::string& text) { std::fprintf(stderr, "castra: %s\n", text.c_str()); };
    const auto built = co_await build_image(app.workshop(), std::move(wish), cancel);
    if (!built) {
        if (line.json)
            print(nlohmann::ordered_json{{"image", options.name},
                                         {"error",
                                          {{"code", to_string(built.error().code)},
                                           {"text", built.error().text},
                                           {"hint", built.error().hint}}}}
                      .dump() +
                  "\n");
        complain(built.error());
        co_return exit_code::of(built.error().code);
    }
    if (line.json)
        print(nlohmann::ordered_json{{"image", built->name},
                                     {"folder", built->folder.string()},
                                     {"key", built->key},
                                     {"changed", built->changed}}
                  .dump() +
              "\n");
    else
        tell(line, "image " + built->name + (built->changed ? " built in " : " is there already: ") +
                       built->folder.string() + "\n");
    co_return exit_code::succeeded;
}

} // namespace

void add_image(Grammar& grammar) {
    auto image = grammar.add_group("image", "Guest images");
    const auto options = Grammar::options<ImageOptions>();
    auto build = grammar.add(
        "build", "Build an image from its recipe, if it is not there already",
        [options](App& app, const CommandLine& line) { return image_build(app, line, *options); }, image);
    build.option("name", options->name, "The recipe: tiny").required().type_name("NAME");
    build.flag("--force", options->force, "Build it even if it is there");
    grammar.add_json(build);
}

} // namespace castra
