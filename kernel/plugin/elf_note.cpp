// SPDX-License-Identifier: Apache-2.0
#include "plugin/elf_note.hpp"

#include "base/unique_fd.hpp"
#include "castra/abi/entry.h"

#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace castra {
namespace {

constexpr std::size_t segments_max = 256;
constexpr std::uint64_t note_segment_bytes_max = manifest_bytes_max + 65536;
#if defined(__x86_64__)
constexpr unsigned our_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned our_machine = EM_AARCH64;
#else
#error "add this machine's EM_ number"
#endif

// A file whose every read is checked against its size.
class BoundedFile {
public:
    static Result<BoundedFile> open(const std::filesystem::path& path) {
        // O_NONBLOCK: a FIFO must not make us wait.
        BoundedFile file;
        file.fd_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (!file.fd_) return fail_errno("open");
        struct stat status {};
        if (::fstat(file.fd_.get(), &status) != 0) return fail_errno("stat");
        if (!S_ISREG(status.st_mode)) return fail(ErrorCode::plugin, "is not a regular file");
        file.size_ = static_cast<std::uint64_t>(status.st_size);
        return file;
    }

    Result<> check_inside(std::uint64_t offset, std::uint64_t count) const {
        if (offset <= size_ && count <= size_ - offset) return {};
        return fail(ErrorCode::plugin, "is cut short: its own headers point behind its end",
                    "copy or build the file again");
    }

    Result<> read(std::uint64_t offset, void* to, std::size_t count) const {
        CASTRA_CHECK(check_inside(offset, count));
        auto* out = static_cast<char*>(to);
        while (count > 0) {
            const auto got = ::pread(fd_.get(), out, count, static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return fail_errno("read");
            if (got == 0) return fail(ErrorCode::plugin, "became shorter while it was read");
            out += got;
            offset += static_cast<std::uint64_t>(got);
            count -= static_cast<std::size_t>(got);
        }
        return {};
    }

private:
    UniqueFd fd_;
    std::uint64_t size_ = 0;
};

Result<> check_header(const Elf64_Ehdr& header) {
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return fail(ErrorCode::plugin, "is not a shared library (no ELF header)");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != our_machine)
        return fail(ErrorCode::plugin, "is built for another machine", "build it on this kind of machine");
    if (header.e_type != ET_DYN) return fail(ErrorCode::plugin, "is not a shared library (ELF type)");
    if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 || header.e_phnum > segments_max)
        return fail(ErrorCode::plugin, "has a damaged ELF header");
    return {};
}

// The castra note among the notes of one segment, if there. `align` is 4 or 8.
Result<> find_note(std::string_view segment, std::size_t align, std::optional<std::string>& found) {
    const auto damaged = [] { return fail(ErrorCode::plugin, "has a damaged note segment"); };
    const std::string_view owner(CASTRA_MANIFEST_NOTE_OWNER, sizeof(CASTRA_MANIFEST_NOTE_OWNER)); // with its NUL
    const auto padded = [align](std::uint64_t size) { return (size + align - 1) / align * align; };
    while (segment.size() >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        std::memcpy(&note, segment.data(), sizeof note);
        // 32-bit sizes in 64-bit sums: no overflow.
        const std::uint64_t desc_at = padded(sizeof note + std::uint64_t{note.n_namesz});
        const std::uint64_t end = desc_at + note.n_descsz;
        if (end > segment.size()) return damaged();
        const auto is_ours =
            segment.substr(sizeof note, note.n_namesz) == owner && note.n_type == CASTRA_MANIFEST_NOTE_TYPE;
        if (is_ours) {
            if (note.n_descsz > manifest_bytes_max)
                return fail(ErrorCode::plugin, "has a manifest of " + std::to_string(note.n_descsz) +
                                                   " bytes; at most " + std::to_string(manifest_bytes_max));
            if (found) return fail(ErrorCode::plugin, "has more than one castra manifest");
            found.emplace(segment.substr(desc_at, note.n_descsz));
        }
        segment.remove_prefix(std::min<std::uint64_t>(padded(end), segment.size()));
    }
    return {};
}

Result<std::string> read_note(const std::filesystem::path& path) {
    CASTRA_TRY(file, BoundedFile::open(path));
    Elf64_Ehdr header{};
    CASTRA_CHECK(file.read(0, &header, sizeof header));
    CASTRA_CHECK(check_header(header));
    std::vector<Elf64_Phdr> segments(header.e_phnum);
    CASTRA_CHECK(file.read(header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr)));

    std::optional<std::string> found;
    for (const auto& segment : segments) {
        // Not only notes: the loader maps what is not there, and the process dies of SIGBUS.
        CASTRA_CHECK(file.check_inside(segment.p_offset, segment.p_filesz));
        if (segment.p_type != PT_NOTE) continue;
        if (segment.p_filesz > note_segment_bytes_max) return fail(ErrorCode::plugin, "has an oversized note segment");
        std::string bytes(segment.p_filesz, '\0');
        CASTRA_CHECK(file.read(segment.p_offset, bytes.data(), bytes.size()));
        CASTRA_CHECK(find_note(bytes, segment.p_align == 8 ? 8 : 4, found));
    }
    if (!found)
        return fail(ErrorCode::plugin, "is a shared library, but no castra plugin (it has no castra manifest)",
                    "build it with castra_add_plugin()");
    return *std::move(found);
}

} // namespace

Result<std::string> read_manifest_note(const std::filesystem::path& file) {
    return read_note(file).map_error([&](const Error& error) {
        return Error{error.code, file.string() + (error.code == ErrorCode::io ? ": " : " ") + error.text, error.hint};
    });
}

} // namespace castra
