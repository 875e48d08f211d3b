// SPDX-License-Identifier: Apache-2.0
#include "bootstrap/artifact.hpp"

#include "host/files.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sys/stat.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

Failure refuse(const fs::path& path, const std::string& why, const std::string& hint) {
    return fail(ErrorCode::preflight, path.string() + " " + why, hint);
}

Result<std::string> digest_of(const fs::path& file) {
    auto digest = files::sha256_of_file(file);
    if (!digest) return fail(ErrorCode::preflight, digest.error().text, "may you read it?");
    return digest;
}

bool leads_out(const fs::path& link_dir, const fs::path& target) {
    if (target.is_absolute()) return true;
    const auto end = (link_dir / target).lexically_normal();
    return !end.empty() && *end.begin() == "..";
}

std::int64_t unix_now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// Of a file that may be large. One that changes while it is read has a digest that nobody will ask for again.
Result<std::string> digest_of(const fs::path& file, const KnownDigests& known) {
    const auto before = identity_of(file);
    if (!before || before->size_bytes < KnownDigests::file_bytes_min) return digest_of(file);
    if (auto found = known.cache.find(*before)) return *found;
    const auto began_us = unix_now_us();
    CASTRA_TRY(digest, digest_of(file));
    const auto after = identity_of(file);
    if (known.may_remember && after && *after == *before)
        (void)known.cache.remember(*before, digest, began_us); // without it the next run reads it again
    return digest;
}

class Payload {
public:
    Payload(fs::path root, const KnownDigests& known) : root_(std::move(root)), known_(known) {}

    Result<> add(const fs::path& relative, int depth) {
        const auto path = relative.empty() ? root_ : root_ / relative;
        if (depth > payload_depth_max) return refuse(path, "is too deep in the payload", "send an archive instead");
        if (++entries_ > payload_entries_max)
            return refuse(root_, "has more than " + std::to_string(payload_entries_max) + " files",
                          "send an archive instead");
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0)
            return fail(ErrorCode::preflight, fail_errno("read payload " + path.string()).value().text,
                        "correct payload in [vms.bootstrap]");
        const auto mode = std::to_string(info.st_mode & 07777U);
        if (S_ISREG(info.st_mode)) {
            CASTRA_TRY(digest, digest_of(path, known_));
            bytes_ += info.st_size;
            return note({"file", relative.string(), mode, digest});
        }
        if (S_ISLNK(info.st_mode) && !relative.empty()) {
            std::error_code error;
            const auto target = fs::read_symlink(path, error);
            if (error || leads_out(relative.parent_path(), target))
                return refuse(path, "is a link that leads out of the payload (" + target.string() + ")",
                              "make it relative and within, or send the file itself");
            return note({"link", relative.string(), target.string()});
        }
        if (!S_ISDIR(info.st_mode))
            return refuse(path, "is neither a file nor a directory", "a payload has files, directories and links");
        parts_.push_back(hash_of({"directory", relative.string(), mode}));
        std::vector<fs::path> names;
        std::error_code error;
        for (auto at = fs::directory_iterator(path, error); !error && at != fs::end(at); at.increment(error))
            names.push_back(at->path().filename());
        if (error) return refuse(path, "cannot be read: " + error.message(), "may you read it?");
        std::ranges::sort(names);
        for (const auto& name : names)
            CASTRA_CHECK(add(relative / name, depth + 1));
        return {};
    }
    std::string hash() const { return hash_of(parts_); }
    std::int64_t bytes() const { return bytes_; }

private:
    Result<> note(const std::vector<std::string>& parts) {
        parts_.push_back(hash_of(parts));
        return {};
    }
    fs::path root_;
    const KnownDigests& known_;
    std::vector<std::string> parts_;
    std::size_t entries_ = 0;
    std::int64_t bytes_ = 0;
};

} // namespace

std::string hash_of(const std::vector<std::string>& parts) {
    std::string all;
    for (const auto& part : parts)
        all += std::to_string(part.size()) + ":" + part + ",";
    return "sha256:" + files::sha256_of(all);
}

Result<Artifact> measure_artifact(const BootstrapConfig& config, const KnownDigests& known) {
    Artifact artifact;
    if (!config.script.empty()) {
        std::error_code error;
        if (!fs::is_regular_file(config.script, error))
            return fail(ErrorCode::preflight, "bootstrap script " + config.script + " does not exist or is no file",
                        "correct script in [vms.bootstrap]");
        CASTRA_TRY(digest, digest_of(config.script));
        artifact.script_hash = "sha256:" + digest;
    }
    if (!config.payload.empty()) {
        Payload payload(config.payload, known);
        CASTRA_CHECK(payload.add({}, 0));
        artifact.payload_hash = payload.hash();
        artifact.payload_bytes = payload.bytes();
        artifact.has_payload = true;
    }
    std::vector<std::string> variables;
    for (const auto& [name, value] : config.env) {
        variables.push_back(name);
        variables.push_back(value.reveal());
    }
    if (!variables.empty()) artifact.env_hash = hash_of(variables);
    artifact.content_hash = hash_of({artifact.script_hash, artifact.payload_hash});
    artifact.artifact_hash = hash_of({artifact.content_hash, artifact.env_hash});
    return artifact;
}

} // namespace castra
