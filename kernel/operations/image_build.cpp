// SPDX-License-Identifier: Apache-2.0
#include "operations/image_build.hpp"

#include "config/names.hpp"
#include "host/file_lock.hpp"
#include "host/files.hpp"
#include "host/lock_watch.hpp"
#include "host/run_program.hpp"
#include "operations/image_recipes.hpp"
#include "state/image_store.hpp"

#include <csignal>

namespace castra {
namespace {

constexpr int recipe_lacks_something = 3; // exit code of a recipe

std::string first_line(std::string text) {
    return text.substr(0, text.find('\n'));
}

Task<Result<std::string>> recipe_key(Host& host, const std::string& recipe, const std::filesystem::path& scratch) {
    ProgramRun run;
    run.argv = {recipe, "--key"};
    run.output_path = scratch;
    run.deadline = Milliseconds(120000);
    const auto asked = co_await run_checked(host, std::move(run));
    auto said = files::tail_of(scratch, 65536);
    (void)files::remove(scratch);
    if (!asked) co_return Failure(asked.error());
    while (!said.empty() && said.back() == '\n')
        said.pop_back();
    const auto last = said.rfind('\n'); // apt may talk before it
    co_return last == std::string::npos ? said : said.substr(last + 1);
}

constexpr int recipe_lock_fd = 3; // the recipe does not know of it

// Waits for whoever holds it.
Task<Result<FileLock>> lock_of(Host& host, std::filesystem::path path, const RecipeWish& wish, Gate& cancel) {
    auto lock = FileLock::try_lock(path, {});
    if (!lock && lock.error().code == ErrorCode::busy && wish.say)
        wish.say("image " + wish.name +
                 " is being built by another castra, or by what a killed one left; waiting for it");
    while (!lock && lock.error().code == ErrorCode::busy) {
        const auto first = co_await (lock_released(host, path) || cancel.wait());
        if (cancel.is_open()) co_return fail(ErrorCode::cancelled, "build image " + wish.name + ": cancelled");
        if (first.index() == 0 && !std::get<0>(first)) co_return Failure(std::get<0>(first).error());
        lock = FileLock::try_lock(path, {});
    }
    co_return lock;
}

} // namespace

Task<Result<ImageBuilt>> build_image(Workshop& workshop, RecipeWish wish, std::shared_ptr<Gate> cancel) {
    auto& host = workshop.host();
    const auto& name = wish.name;
    const auto recipes = workshop.installation().share_dir / "images";
    const auto recipe = (recipes / name / "build").string();
    if (!is_name(name) || !host.find_program(recipe))
        co_return fail(ErrorCode::not_found, "there is no recipe for image \"" + name + "\" in " + recipes.string(),
                       "recipes: " + recipes_in(workshop.installation().share_dir));
    const auto store = cache_dir(workshop.installation().environment) / "images";
    if (auto made = files::make_directories(store); !made) {
        auto& hint = made.error().hint;
        hint += (hint.empty() ? "" : "; or ") + std::string("set XDG_CACHE_HOME to a directory that can be written");
        co_return Failure(made.error());
    }
    // Two builds of one image: one builds.
    CASTRA_CO_TRY(lock, co_await lock_of(host, store / ("." + name + ".lock"), wish, *cancel));
    ImageBuilt built{name, "", store / name, false};
    CASTRA_CO_TRY(key, co_await recipe_key(host, recipe, store / ("." + name + ".key")));
    built.key = first_line(key);
    const auto present = find_image(cache_dir(workshop.installation().environment), name);
    if (!wish.force && present && present->key == built.key) co_return built;

    SpawnRequest request;
    request.program = recipe;
    request.argv = {recipe, built.folder};
    request.env = minimal_environment();
    request.working_dir = "/";
    request.output_to_stderr = true;
    request.fds.push_back({lock.fd(), recipe_lock_fd});
    CASTRA_CO_TRY(process, host.spawn(request));
    co_await (process->wait() || cancel->wait());
    if (!process->has_exited()) (void)process->signal(SIGTERM);
    const auto ended = co_await process->wait();
    if (cancel->is_open()) co_return fail(ErrorCode::cancelled, "build image " + name + ": cancelled");
    if (ended.exit_code == recipe_lacks_something)
        co_return fail(ErrorCode::preflight, "build image " + name + ": this machine lacks something",
                       "install what the recipe named above");
    if (ended.exit_code != 0)
        co_return fail(ErrorCode::io, "build image " + name + ": the recipe failed", "its last words stand above");
    CASTRA_CO_TRY(image, find_image(cache_dir(workshop.installation().environment), name));
    built.key = image.key;
    built.changed = true;
    co_return built;
}

} // namespace castra
