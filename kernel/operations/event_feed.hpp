// SPDX-License-Identifier: Apache-2.0
// The events of a project out of its journals, in order, run after run: from a run, from a cursor, up to now or for
// ever. Works without the supervisor and writes nothing. Follows by being told of changes, never by asking again. What
// was asked for and is gone is told as a gap, before the events behind it. Order: runs by id; while following, a run
// that appears comes next whatever its id. Thread: the kernel's.
#pragma once
#include "contract/describe.hpp"
#include "host/directory_watch.hpp"
#include "operations/event_cursor.hpp"
#include "state/pruned_runs.hpp"

#include <set>

namespace castra {

struct FeedRequest {
    std::string run;                  // an id, the beginning of one, "latest"; empty: the latest and those after it
    std::optional<EventCursor> since; // only what comes behind it
    bool follow = false;
};

struct FeedEvent {
    std::string line;     // the journal's bytes, with the line feed
    contract::Json event; // the same, parsed
};

// Why: pruned, beyond (the cursor is behind the run's last event), missing (a hole in seq), damaged (no event).
struct FeedGap {
    std::string reason, run_id;
    std::int64_t first_seq = 0, last_seq = 0; // 0: not known
    std::int64_t runs = 0;                    // whole runs that are gone as well
    std::string detail;                       // for people
};
contract::Json to_json(const FeedGap& gap); // {"gap":{...}}

class FeedReader {
public:
    virtual ~FeedReader() = default;
    // Events of one run, in order, never none. A failure ends the feed.
    virtual Result<> take(const std::string& run_id, const std::vector<FeedEvent>& events) = 0;
    virtual void gap(const FeedGap& gap) = 0;
    // Awaited after what was taken, before more is read: who is slow holds the feed back. A failure ends the feed.
    virtual Task<Result<>> ready() { co_return Result<>(); }
};

class EventFeed {
public:
    EventFeed(Executor executor, std::filesystem::path journal_dir, FeedReader& reader);

    // Returns at the end of what there is; following a named run at its summary, following any until `stop` opens.
    // Errors: not_found (no such run), usage, io, and what the reader answers.
    Task<Result<>> run(FeedRequest request, Gate& stop);

private:
    struct Current {
        JournalFile file;
        JournalReader reader;
        std::int64_t seq = 0;   // of the last event read
        std::int64_t floor = 0; // events up to it are not wanted
        bool is_sealed = false;
    };
    Result<> begin(const FeedRequest& request);
    Result<> begin_at(const EventCursor& cursor);
    void begin_after_pruned(const EventCursor& cursor, const PrunedRuns& pruned);
    Result<> open(const JournalFile& file, std::int64_t floor);
    Task<Result<>> drain();
    void look_at(std::string line, std::vector<FeedEvent>& wanted);
    Task<Result<bool>> open_next(); // false: there is none
    void tell_pruned_before(const std::string& run_id);
    PrunedRuns pruned();

    Executor executor_;
    JournalStore store_;
    FeedReader& reader_;
    std::optional<Current> current_;
    std::set<std::string> passed_; // runs that are behind us, told or not wanted
    std::string last_;             // the youngest of them
};

// An id that stands in the journals or among the tombstones. Errors: not_found; usage, when a beginning fits several;
// io, the journals cannot be listed.
Result<std::string> resolve_run(const JournalStore& store, const std::string& text);

} // namespace castra
