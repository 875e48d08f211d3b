// SPDX-License-Identifier: Apache-2.0
#include "operations/event_feed.hpp"

#include <algorithm>
#include <cctype>

namespace castra {
namespace {

std::int64_t number_in(const contract::Json& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string count_text(std::int64_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

Failure no_such_run(const std::string& text, const JournalStore& store) {
    return fail(ErrorCode::not_found, "there is no run " + text + " in " + store.directory().string(),
                "castra events runs lists those there are");
}

} // namespace

contract::Json to_json(const FeedGap& gap) {
    contract::Json whole;
    auto& inner = whole["gap"];
    inner["reason"] = gap.reason;
    inner["run_id"] = gap.run_id;
    if (gap.first_seq > 0) inner["first_seq"] = gap.first_seq;
    if (gap.last_seq > 0) inner["last_seq"] = gap.last_seq;
    if (gap.runs > 0) inner["runs"] = gap.runs;
    inner["detail"] = gap.detail;
    return whole;
}

Result<std::string> resolve_run(const JournalStore& store, const std::string& text) {
    CASTRA_TRY(runs, store.list());
    if (text == "latest") {
        if (runs.empty())
            return fail(ErrorCode::not_found, "there is no run in " + store.directory().string(),
                        "up and down write journals; a refused command and status do not");
        return runs.front().run_id;
    }
    auto wanted = text;
    std::ranges::transform(wanted, wanted.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    std::set<std::string> fitting;
    for (const auto& run : runs)
        if (run.run_id.starts_with(wanted)) fitting.insert(run.run_id);
    const auto pruned = load_pruned(store.directory()).value_or(PrunedRuns());
    for (const auto& run : pruned.latest)
        if (run.run_id.starts_with(wanted)) fitting.insert(run.run_id);
    if (fitting.empty() && pruned.covers(wanted)) return wanted;
    if (fitting.empty() || wanted.empty()) return no_such_run(text, store);
    if (fitting.size() > 1)
        return fail(ErrorCode::usage,
                    count_text(static_cast<std::int64_t>(fitting.size()), "run") + " begin with " + text,
                    "write more of the id: castra events runs");
    return *fitting.begin();
}

EventFeed::EventFeed(Executor executor, std::filesystem::path journal_dir, FeedReader& reader)
    : executor_(std::move(executor)), store_(std::move(journal_dir)), reader_(reader) {}

PrunedRuns EventFeed::pruned() {
    auto loaded = load_pruned(store_.directory());
    if (loaded) return std::move(*loaded);
    reader_.gap({"damaged", "", 0, 0, 0, loaded.error().text});
    return {};
}

Task<Result<>> EventFeed::run(FeedRequest request, Gate& stop) {
    std::optional<DirectoryWatch> watch;
    if (request.follow) { // before the first look, so that nothing happens unseen in between
        CASTRA_CO_TRY(opened, DirectoryWatch::open(executor_, store_.directory()));
        watch.emplace(std::move(opened));
    }
    CASTRA_CO_CHECK(begin(request));
    const bool is_one_run = !request.run.empty() || (!request.since && !request.follow);
    while (!stop.is_open()) {
        if (current_) {
            const auto drained = co_await drain();
            CASTRA_CO_CHECK(drained);
        }
        if (is_one_run && (!current_ || current_->is_sealed || !request.follow)) break;
        Result<bool> moved(false);
        if (!is_one_run) moved = co_await open_next();
        CASTRA_CO_CHECK(moved);
        const auto told = co_await reader_.ready(); // gaps, too
        CASTRA_CO_CHECK(told);
        if (*moved) continue;
        if (!request.follow) break;
        auto woken = co_await (watch->changed() || stop.wait());
        if (woken.index() == 0) {
            CASTRA_CO_CHECK(std::get<0>(woken));
        }
    }
    co_return Result<>();
}

Result<> EventFeed::begin(const FeedRequest& request) {
    if (!request.run.empty()) {
        CASTRA_TRY(id, resolve_run(store_, request.run));
        if (request.since && request.since->run_id != id)
            return fail(ErrorCode::usage, "the cursor is of run " + request.since->run_id + ", not of " + id,
                        "leave out --run: the events behind a cursor go on with the runs after it");
        return begin_at(request.since.value_or(EventCursor{id, 0}));
    }
    if (request.since) return begin_at(*request.since);
    CASTRA_TRY(runs, store_.list());
    for (const auto& run : runs)
        passed_.insert(run.run_id);
    if (!runs.empty()) return begin_at({runs.front().run_id, 0});
    if (request.follow) return {};
    return Failure(resolve_run(store_, "latest").error());
}

Result<> EventFeed::begin_at(const EventCursor& cursor) {
    CASTRA_TRY(runs, store_.list());
    for (const auto& run : runs)
        if (run.run_id <= cursor.run_id) passed_.insert(run.run_id);
    last_ = cursor.run_id;
    if (const auto file = store_.find(cursor.run_id)) return open(*file, cursor.seq);
    const auto gone = pruned();
    if (!gone.covers(cursor.run_id)) return no_such_run(cursor.run_id, store_);
    begin_after_pruned(cursor, gone);
    return {};
}

void EventFeed::begin_after_pruned(const EventCursor& cursor, const PrunedRuns& gone) {
    passed_.insert(cursor.run_id);
    const auto* tombstone = gone.find(cursor.run_id);
    if (tombstone && tombstone->events <= cursor.seq) return; // had it all
    FeedGap gap{"pruned", cursor.run_id, cursor.seq + 1, tombstone ? tombstone->events : 0, 0, ""};
    gap.detail =
        "the journal of run " + cursor.run_id + " was pruned" + (tombstone ? "" : " long ago, if there ever was one");
    reader_.gap(gap);
}

Result<> EventFeed::open(const JournalFile& file, std::int64_t floor) {
    auto reader = JournalReader::open(file);
    if (!reader) return Failure(reader.error());
    passed_.insert(file.run_id);
    last_ = std::max(last_, file.run_id);
    current_.emplace(Current{file, std::move(*reader), 0, floor, false});
    return {};
}

Task<Result<>> EventFeed::drain() {
    while (true) {
        CASTRA_CO_TRY(lines, current_->reader.next_lines());
        if (lines.empty()) break;
        std::vector<FeedEvent> wanted;
        for (auto& line : lines)
            look_at(std::move(line), wanted);
        if (wanted.empty()) continue;
        CASTRA_CO_CHECK(reader_.take(current_->file.run_id, wanted));
        const auto ready = co_await reader_.ready();
        CASTRA_CO_CHECK(ready);
    }
    if (current_->floor > current_->seq) { // whoever has seen more of it has seen what a crash of the machine took back
        reader_.gap(
            {"beyond", current_->file.run_id, current_->seq + 1, current_->floor, 0,
             "the journal of run " + current_->file.run_id + " ends at event " + std::to_string(current_->seq)});
        current_->floor = current_->seq;
    }
    co_return Result<>();
}

void EventFeed::look_at(std::string line, std::vector<FeedEvent>& wanted) {
    auto event = contract::Json::parse(line, nullptr, false);
    const auto seq = event.is_object() ? number_in(event, "seq") : 0;
    if (seq <= 0) {
        reader_.gap({"damaged", current_->file.run_id, current_->seq + 1, 0, 0,
                     "a line behind event " + std::to_string(current_->seq) + " of " + current_->file.path.string() +
                         " is no event"});
        return;
    }
    if (seq > current_->seq + 1 && seq > current_->floor + 1)
        reader_.gap({"missing", current_->file.run_id, std::max(current_->seq, current_->floor) + 1, seq - 1, 0,
                     "the journal has no such events"});
    current_->seq = seq;
    current_->is_sealed = event.value("type", contract::Json()) == "summary";
    if (seq > current_->floor) wanted.push_back({std::move(line), std::move(event)});
}

Task<Result<bool>> EventFeed::open_next() {
    if (current_ && current_->is_sealed) current_.reset();
    while (true) {
        std::optional<JournalFile> next;
        for (const auto& run : store_.runs()) // newest first
            if (!passed_.contains(run.run_id)) next = run;
        if (!next) co_return false;
        if (current_) { // nobody could seal it: whatever it has got meanwhile, and on
            const auto drained = co_await drain();
            CASTRA_CO_CHECK(drained);
            current_.reset();
        }
        tell_pruned_before(next->run_id);
        const auto opened = open(*next, 0);
        if (opened) co_return true;
        if (opened.error().code != ErrorCode::not_found) co_return Failure(opened.error());
        // Pruned since we looked: the next round tells.
    }
}

// Runs between the last one told and this one that were pruned before we came to them.
void EventFeed::tell_pruned_before(const std::string& run_id) {
    if (last_.empty()) return; // nobody has asked for what was before
    const auto gone = pruned();
    FeedGap gap{"pruned", "", 0, 0, 0, ""};
    for (const auto& run : gone.latest) {
        if (run.run_id <= last_ || run.run_id >= run_id || !passed_.insert(run.run_id).second) continue;
        if (gap.runs++ == 0) gap.run_id = run.run_id;
    }
    const bool forgot = gone.forgot_some() && !gone.latest.empty() && last_ < gone.latest.front().run_id;
    if (gap.runs == 0 && !forgot) return;
    gap.detail = count_text(gap.runs, "run") + " from " + gap.run_id + " on " + (gap.runs == 1 ? "was" : "were") +
                 " pruned" + (forgot ? ", and others of which no tombstone is left" : "");
    last_ = std::max(last_, gone.latest.back().run_id);
    reader_.gap(gap);
}

} // namespace castra
