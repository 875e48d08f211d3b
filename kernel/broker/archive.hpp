// SPDX-License-Identifier: Apache-2.0
// Durable topics as the router sees them: append, and read again from a cursor. Answers come later, in the order of the
// requests, on the broker's thread; a test answers at once.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace castra::broker {

struct Record {
    std::int64_t seq = 0; // counts from 1 in each topic
    std::string from, payload;
};

struct Replay {
    std::vector<Record> records; // with seq > after; a chunk of them
    std::int64_t last_seq = 0;   // of the topic when this was read
};

struct TopicFacts {
    std::string topic;
    std::int64_t first_seq = 0, last_seq = 0, bytes = 0;
};

class Archive {
public:
    virtual ~Archive() = default;
    // Answers with the record's seq once it is on disk. Errors: io (disk full), usage (too many topics).
    using Appended = std::function<void(Result<std::int64_t>)>;
    virtual void append(const std::string& topic, const std::string& from, std::string payload, Appended done) = 0;
    using Replayed = std::function<void(Result<Replay>)>;
    virtual void replay(const std::string& topic, std::int64_t after, Replayed done) = 0;
    // Of those that exist now and match.
    virtual std::vector<TopicFacts> topics() const = 0;
    // The last seq that the reader `name` has acknowledged; 0: none.
    virtual std::int64_t cursor(const std::string& reader, const std::string& topic) const = 0;
    virtual void move_cursor(const std::string& reader, const std::string& topic, std::int64_t seq) = 0;
};

} // namespace castra::broker
