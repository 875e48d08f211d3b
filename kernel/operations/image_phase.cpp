// SPDX-License-Identifier: Apache-2.0
#include "operations/image_phase.hpp"

#include "contract/text.hpp"
#include "host/in_parallel.hpp"
#include "lifecycle/boot_window.hpp"
#include "operations/image_format.hpp"
#include "operations/image_worker.hpp"
#include "state/digest_cache.hpp"

#include <algorithm>

namespace castra {

using contract::Severity;

namespace {

std::string line(const std::string& text) {
    return contract::clean_text(text, 2048, true);
}

// One image on its way. Shared by nobody; lives in the coroutine that prepares it.
class Preparation {
public:
    Preparation(Workshop& workshop, EventBus& bus, const ImageWish& wish, Gate& cancel)
        : workshop_(workshop), bus_(bus), wish_(wish), cancel_(cancel),
          cache_(DigestCache::of(workshop.installation().environment)) {}

    // Errors: preflight, io, timeout, cancelled.
    Task<Result<>> run();
    bool was_known() const { return was_known_; }

private:
    Task<Result<ImageWorkDone>> work(std::vector<std::string> arguments);
    Task<Result<>> fetch();
    Task<Result<>> verify();
    void tell_progress(std::int64_t current, std::int64_t total, std::int64_t attempt);
    void note(const std::string& text);
    Failure wrong_digest(const std::string& digest) const;

    Workshop& workshop_;
    EventBus& bus_;
    const ImageWish& wish_;
    Gate& cancel_;
    DigestCache cache_;
    bool was_known_ = false;
};

void Preparation::tell_progress(std::int64_t current, std::int64_t total, std::int64_t attempt) {
    const auto of = total > 0 ? " of " + std::to_string(total) : std::string();
    auto event = contract::message(Severity::progress,
                                   line("image " + wish_.sha256.substr(0, 12) + ": " + std::to_string(current) + of +
                                        " bytes have arrived"),
                                   "image_download")
                     .within("image-" + wish_.sha256.substr(0, 12) + "-" + std::to_string(attempt));
    contract::ProgressField progress;
    progress.current = current;
    if (total >= current && total > 0) progress.total = total;
    progress.unit = "bytes";
    bus_.publish(std::move(event).done(std::move(progress)));
}

void Preparation::note(const std::string& text) {
    bus_.publish(contract::message(Severity::warn, line("image from " + wish_.url + ": " + text), "image_download")
                     .cure("castra goes on by itself; if it keeps happening, look at the server or the network"));
}

Task<Result<ImageWorkDone>> Preparation::work(std::vector<std::string> arguments) {
    ImageWork order;
    order.program = workshop_.installation().program.parent_path() / "castra-image-worker";
    order.arguments = std::move(arguments);
    order.on_progress = [this](std::int64_t current, std::int64_t total, std::int64_t attempt) {
        tell_progress(current, total, attempt);
    };
    order.on_note = [this](const std::string& text) { note(text); };
    co_return co_await do_image_work(workshop_.host(), std::move(order), cancel_);
}

Failure Preparation::wrong_digest(const std::string& digest) const {
    return fail(ErrorCode::preflight,
                "image " + wish_.path + ": its SHA-256 is " + digest + ", and castra.toml wants " + wish_.sha256,
                wish_.url.empty() ? "is it the file you mean? Then write its digest into sha256"
                                  : "castra clean --all --only images removes it; then castra up fetches it anew");
}

Task<Result<>> Preparation::fetch() {
    bus_.publish(contract::message(Severity::info, line("image is fetched from " + wish_.url), "image_download"));
    std::vector<std::string> order(1, "download"); // by hand: GCC 12 stumbles over lists in braces in a coroutine
    order.push_back(wish_.url);
    order.push_back(wish_.sha256);
    order.push_back(wish_.path);
    auto done = co_await work(std::move(order));
    if (!done) co_return Failure(done.error());
    const auto identity = identity_of(wish_.path);
    if (!identity) co_return Failure(identity.error());
    (void)cache_.remember_own(*identity, done->sha256);
    const auto how = done->was_there ? " was fetched by another castra meanwhile"
                     : done->resumed ? " is complete now"
                                     : " has arrived";
    bus_.publish(contract::message(Severity::info,
                                   line("image " + wish_.path + how + ", " + std::to_string(done->bytes) + " bytes"),
                                   "image_download"));
    co_return Result<>();
}

Task<Result<>> Preparation::verify() {
    const auto before = identity_of(wish_.path);
    if (!before) co_return Failure(before.error());
    auto digest = cache_.find(*before);
    was_known_ = digest.has_value();
    if (!digest) {
        const auto began_us = workshop_.host().clock().unix_us();
        std::vector<std::string> order(1, "digest");
        order.push_back(wish_.path);
        auto done = co_await work(std::move(order));
        if (!done) co_return Failure(done.error());
        const auto after = identity_of(wish_.path);
        if (!after) co_return Failure(after.error());
        if (*after != *before)
            co_return fail(ErrorCode::preflight, "image " + wish_.path + " changed while it was read",
                           "something writes to it; a base image must stay as it is");
        digest = done->sha256;
        (void)cache_.remember(*before, *digest, began_us); // without it the next up hashes again
    }
    if (*digest != wish_.sha256) co_return wrong_digest(*digest);
    co_return Result<>();
}

Task<Result<>> Preparation::run() {
    if (!wish_.url.empty() && !identity_of(wish_.path)) co_return co_await fetch();
    co_return co_await verify();
}

void tell_failure(EventBus& bus, const ImageWish& wish, const Error& error) {
    if (error.code == ErrorCode::cancelled) return;
    const auto code = std::string(to_string(error.code));
    for (const auto& vm : wish.vms)
        bus.publish(contract::message(Severity::error, line("VM " + vm + ": " + error.text), code)
                        .on(vm)
                        .because({code, "its image is not there or not the right one", line(error.text), true})
                        .cure(line(error.hint)));
}

void tell_verified(EventBus& bus, const ImageWish& wish, bool was_known) {
    contract::VmImageVerified event;
    event.base_image = wish.path;
    event.base_digest = "sha256:" + wish.sha256;
    event.base_cached = was_known;
    for (const auto& vm : wish.vms)
        bus.publish(
            contract::draft(event, vm + ": the image is the one with digest " + wish.sha256.substr(0, 12)).on(vm));
}

Task<> prepare(Workshop& workshop, EventBus& bus, const ImageWish& wish, std::vector<MachineSpec>& specs,
               BootWindow& window, Gate& cancel, std::map<std::string, Error>& errors) {
    const bool entered = co_await window.enter(cancel);
    Result<> result = fail(ErrorCode::cancelled, "cancelled before its image was ready");
    bool was_known = false;
    if (entered) {
        Preparation preparation(workshop, bus, wish, cancel);
        result = co_await preparation.run();
        was_known = preparation.was_known();
        window.leave();
    }
    std::string format;
    if (result) {
        auto known = format_of_image(wish.path);
        if (known)
            format = *known;
        else
            result = Failure(known.error());
    }
    if (!result) {
        tell_failure(bus, wish, result.error());
        for (const auto& vm : wish.vms)
            errors.insert_or_assign(vm, result.error());
        co_return;
    }
    tell_verified(bus, wish, was_known);
    for (auto& spec : specs) {
        if (std::ranges::find(wish.vms, spec.vm.name) == wish.vms.end()) continue;
        spec.vm.base_format = format;
        spec.base_digest = "sha256:" + wish.sha256;
        spec.base_cached = !wish.url.empty();
    }
}

} // namespace

std::filesystem::path fetched_image(const Environment& environment, const std::string& sha256) {
    return cache_dir(environment) / "images" / ("sha256-" + sha256) / "disk";
}

std::vector<ImageWish> image_wishes(const ProjectConfig& config, const std::vector<MachineSpec>& specs,
                                    const std::set<std::string>& running) {
    std::vector<ImageWish> wishes;
    for (const auto& spec : specs) {
        if (running.contains(spec.vm.name)) continue;
        const auto vm = std::ranges::find(config.vms, spec.vm.name, &VmConfig::name);
        if (vm == config.vms.end() || vm->base_sha256.empty()) continue;
        auto known = std::ranges::find_if(wishes, [&](const ImageWish& wish) {
            return wish.path == spec.vm.base_image && wish.url == vm->base_url && wish.sha256 == vm->base_sha256;
        });
        if (known == wishes.end())
            known = wishes.insert(wishes.end(), {spec.vm.base_image, vm->base_url, vm->base_sha256, {}});
        known->vms.push_back(spec.vm.name);
    }
    return wishes;
}

std::set<std::string> to_fetch(const std::vector<ImageWish>& wishes) {
    std::set<std::string> paths;
    for (const auto& wish : wishes)
        if (!wish.url.empty() && !identity_of(wish.path)) paths.insert(wish.path);
    return paths;
}

void add_spoiled(FleetResult& result, const std::map<std::string, Error>& spoiled) {
    for (const auto& [vm, error] : spoiled) {
        result.vms.push_back({vm, std::string(to_string(VmState::absent)), contract::VmOutcome::failed});
        result.failures.push_back(error);
    }
}

Task<std::map<std::string, Error>> prepare_images(Workshop& workshop, EventBus& bus, std::vector<ImageWish> wishes,
                                                  std::vector<MachineSpec>& specs, Gate& cancel) {
    std::map<std::string, Error> errors;
    BootWindow window(workshop.host().executor(), fetches_max);
    std::vector<Task<>> tasks;
    for (const auto& wish : wishes)
        tasks.push_back(prepare(workshop, bus, wish, specs, window, cancel, errors));
    co_await in_parallel(workshop.host().executor(), std::move(tasks));
    co_return errors;
}

} // namespace castra
