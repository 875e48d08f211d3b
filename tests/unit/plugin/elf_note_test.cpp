// SPDX-License-Identifier: Apache-2.0
// The note reader against files made by hand: each rule broken once.
#include "plugin/elf_note.hpp"

#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

using ::testing::HasSubstr;

std::string note(const std::string& owner, std::uint32_t type, const std::string& text, std::size_t align = 4) {
    const Elf64_Nhdr head{static_cast<Elf64_Word>(owner.size() + 1), static_cast<Elf64_Word>(text.size()), type};
    std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
    bytes += owner + '\0';
    while (bytes.size() % align != 0)
        bytes += '\0';
    bytes += text;
    while (bytes.size() % align != 0)
        bytes += '\0';
    return bytes;
}

// An ELF header, one PT_NOTE, and its bytes.
struct Image {
    Elf64_Ehdr header{};
    Elf64_Phdr segment{};
    std::string notes = note("castra", 1, "{\"a\": 1}");

    Image() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_DYN;
#if defined(__x86_64__)
        header.e_machine = EM_X86_64;
#else
        header.e_machine = EM_AARCH64;
#endif
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof segment;
        header.e_phnum = 1;
        segment.p_type = PT_NOTE;
        segment.p_align = 4;
        segment.p_offset = sizeof header + sizeof segment;
    }
    std::string bytes() const {
        std::string all(reinterpret_cast<const char*>(&header), sizeof header);
        all.append(reinterpret_cast<const char*>(&segment), sizeof segment);
        return all + notes;
    }
};

class ElfNote : public ::testing::Test {
protected:
    ElfNote() { path_ = std::filesystem::temp_directory_path() / ("castra-elf-" + std::to_string(::getpid())); }
    ~ElfNote() override { std::filesystem::remove(path_); }

    Result<std::string> read(const std::function<void(Image&)>& change = [](Image&) {}) {
        Image image;
        image.segment.p_filesz = ~std::uint64_t{0};
        change(image);
        if (image.segment.p_filesz == ~std::uint64_t{0}) image.segment.p_filesz = image.notes.size();
        return read_bytes(image.bytes());
    }
    Result<std::string> read_bytes(const std::string& bytes) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
        return read_manifest_note(path_);
    }
    std::string refusal(const std::function<void(Image&)>& change) {
        const auto answer = read(change);
        return answer ? "(read)" : answer.error().text;
    }
    std::filesystem::path path_;
};

TEST_F(ElfNote, ReadsTheNote) {
    EXPECT_EQ(read().value_or("?"), "{\"a\": 1}");
}

TEST_F(ElfNote, FindsItAmongOthers) {
    EXPECT_EQ(read([](Image& image) {
                  image.notes = note("GNU", 3, "build id") + note("castra", 2, "not this") +
                                note("castrum", 1, "nor this") + note("castra", 1, "this one") + note("X", 1, "");
              }).value_or("?"),
              "this one");
}

TEST_F(ElfNote, ReadsSegmentsAlignedToEight) {
    EXPECT_EQ(read([](Image& image) {
                  image.segment.p_align = 8;
                  image.notes = note("GNU", 5, "12345", 8) + note("castra", 1, "this", 8);
              }).value_or("?"),
              "this");
}

TEST_F(ElfNote, RefusesWhatIsNoSharedLibraryOfThisMachine) {
    EXPECT_THAT(refusal([](Image& i) { i.header.e_ident[1] = 'X'; }), HasSubstr("no ELF header"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_ident[EI_CLASS] = ELFCLASS32; }), HasSubstr("another machine"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_ident[EI_DATA] = ELFDATA2MSB; }), HasSubstr("another machine"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_machine = EM_RISCV; }), HasSubstr("another machine"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_type = ET_EXEC; }), HasSubstr("not a shared library"));
}

TEST_F(ElfNote, RefusesDamagedHeaders) {
    EXPECT_THAT(refusal([](Image& i) { i.header.e_phentsize = 12; }), HasSubstr("damaged ELF header"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_phnum = 0; }), HasSubstr("damaged ELF header"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_phnum = 0xffff; }), HasSubstr("damaged ELF header"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_phnum = 200; }), HasSubstr("cut short"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_phoff = ~0ULL; }), HasSubstr("cut short"));
    EXPECT_THAT(refusal([](Image& i) { i.header.e_phoff = ~0ULL - 10; }), HasSubstr("cut short"));
}

TEST_F(ElfNote, RefusesASegmentOutsideTheFile) {
    EXPECT_THAT(refusal([](Image& i) { i.segment.p_offset = ~0ULL - 4; }), HasSubstr("cut short"));
    EXPECT_THAT(refusal([](Image& i) { i.segment.p_filesz = 4000; }), HasSubstr("cut short"));
    EXPECT_THAT(refusal([](Image& i) { i.segment.p_filesz = 1ULL << 40; }), HasSubstr("cut short"));
    EXPECT_THAT(refusal([](Image& i) {
                    i.segment.p_type = PT_LOAD; // no note, but the loader would map it
                    i.segment.p_filesz = 4000;
                }),
                HasSubstr("cut short"));
    EXPECT_THAT(refusal([](Image& i) { i.notes += std::string(std::size_t{2} << 20, '\0'); }),
                HasSubstr("oversized note segment"));
}

TEST_F(ElfNote, RefusesNotesThatLeaveTheirSegment) {
    const auto with_word = [](std::size_t at, std::uint32_t word) {
        return [=](Image& i) { std::memcpy(i.notes.data() + at, &word, sizeof word); };
    };
    for (const std::uint32_t word : {100U, 0x7fffffffU, 0xffffffffU, 0xfffffff5U}) {
        EXPECT_THAT(refusal(with_word(0, word)), HasSubstr("damaged note segment")) << word;
        EXPECT_THAT(refusal(with_word(4, word)), HasSubstr("damaged note segment")) << word;
    }
}

TEST_F(ElfNote, RefusesNoneTwoAndTooMuch) {
    EXPECT_THAT(refusal([](Image& i) { i.notes = note("GNU", 1, "x"); }), HasSubstr("no castra plugin"));
    EXPECT_THAT(refusal([](Image& i) { i.segment.p_type = PT_LOAD; }), HasSubstr("no castra plugin"));
    EXPECT_THAT(refusal([](Image& i) { i.notes += i.notes; }), HasSubstr("more than one"));
    EXPECT_THAT(refusal([](Image& i) { i.notes = note("castra", 1, std::string(manifest_bytes_max + 1, 'x')); }),
                HasSubstr("at most 262144"));
    EXPECT_TRUE(read([](Image& i) { i.notes = note("castra", 1, std::string(manifest_bytes_max, 'x')); }));
}

TEST_F(ElfNote, RefusesEveryPrefix) {
    Image image;
    image.segment.p_filesz = image.notes.size();
    const auto whole = image.bytes();
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(read_bytes(whole.substr(0, size))) << size;
}

TEST_F(ElfNote, NeverWaitsForWhatIsNoFile) {
    ::unlink(path_.c_str());
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_THAT(read_manifest_note(path_).error().text, HasSubstr("not a regular file"));
    EXPECT_THAT(read_manifest_note("/dev/zero").error().text, HasSubstr("not a regular file"));
    EXPECT_THAT(read_manifest_note("/").error().text, HasSubstr("not a regular file"));
    EXPECT_EQ(read_manifest_note("/nonexistent/x.so").error().code, ErrorCode::io);
}

} // namespace
} // namespace castra
