// SPDX-License-Identifier: Apache-2.0
#include "operations/image_format.hpp"

#include "base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

constexpr std::size_t head_bytes = 0x11000; // up to the superblock of btrfs
constexpr std::int64_t sector_bytes = 512;
constexpr std::size_t qcow2_header_bytes = 72; // of version 2, the smaller one

// Bytes at a place that give a kind away.
struct Signature {
    std::size_t offset;
    std::string_view bytes;
    std::string_view what;
};

using namespace std::string_view_literals;

constexpr std::array raw_contents{
    Signature{510, "\x55\xaa"sv, "a partition table"},
    Signature{512, "EFI PART"sv, "a GPT"},
    Signature{1080, "\x53\xef"sv, "ext4"},
    Signature{0, "XFSB"sv, "XFS"},
    Signature{0x10040, "_BHRfS_M"sv, "btrfs"},
    Signature{0, "hsqs"sv, "squashfs"},
    Signature{0x8001, "CD001"sv, "an ISO 9660"},
    Signature{1024, "\xe2\xe1\xf5\xe0"sv, "EROFS"},
    Signature{0, "LUKS\xba\xbe"sv, "LUKS"},
    Signature{0x218, "LABELONE"sv, "LVM"},
};

constexpr std::array foreign_images{
    Signature{0, "KDMV"sv, "a VMDK image"},        Signature{0, "COWD"sv, "a VMDK image"},
    Signature{0, "# Disk Desc"sv, "a VMDK image"}, Signature{0, "vhdxfile"sv, "a VHDX image"},
    Signature{0, "conectix"sv, "a VHD image"},     Signature{0x40, "\x7f\x10\xda\xbe"sv, "a VDI image"},
    Signature{0, "QED\0"sv, "a QED image"},        Signature{0, "QFI\x01"sv, "a qcow image of version 1"},
};

constexpr std::array packed_files{
    Signature{0, "\x1f\x8b"sv, "gzip"},
    Signature{0,
              "\xfd"
              "7zXZ"sv,
              "xz"},
    Signature{0, "BZh"sv, "bzip2"},
    Signature{0, "\x28\xb5\x2f\xfd"sv, "zstd"},
    Signature{0, "PK\x03\x04"sv, "zip"},
    Signature{257, "ustar"sv, "tar"},
};

template <std::size_t N>
const Signature* found_in(const std::array<Signature, N>& signatures, std::string_view head) {
    const auto found = std::ranges::find_if(signatures, [&](const Signature& one) {
        return head.size() >= one.offset + one.bytes.size() && head.substr(one.offset, one.bytes.size()) == one.bytes;
    });
    return found == signatures.end() ? nullptr : &*found;
}

Failure refuse(const std::string& image, const std::string& why, const std::string& cure) {
    return fail(ErrorCode::preflight, "image " + image + " " + why, cure);
}

Result<std::string> check_qcow2(const std::string& image, std::string_view head) {
    if (head.size() < qcow2_header_bytes) return refuse(image, "is a qcow2 image that is cut off", "copy it again");
    const auto version = static_cast<unsigned char>(head[7]);
    if (head.substr(4, 3) != "\0\0\0"sv || (version != 2 && version != 3))
        return refuse(image, "is a qcow2 image of a version that nobody knows", "is it damaged? qemu-img check tells");
    return "qcow2";
}

} // namespace

Result<std::string> format_of_image(const std::filesystem::path& image) {
    const auto name = image.string();
    UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd)
        return errno == ENOENT ? Result<std::string>(fail(ErrorCode::not_found, "image " + name + " does not exist"))
                               : fail_errno("read image " + name);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return fail_errno("read image " + name);
    if (!S_ISREG(info.st_mode)) return refuse(name, "is no file", "set base_image to a qcow2 or raw image");
    std::string bytes(head_bytes, '\0');
    const auto size = ::pread(fd.get(), bytes.data(), bytes.size(), 0);
    if (size < 0) return fail_errno("read image " + name);
    const auto head = std::string_view(bytes).substr(0, static_cast<std::size_t>(size));
    if (head.empty()) return refuse(name, "is empty", "copy it again");
    if (head.starts_with("QFI\xfb")) return check_qcow2(name, head);
    if (const auto* packed = found_in(packed_files, head))
        return refuse(name, "is packed with " + std::string(packed->what), "unpack it first");
    if (const auto* foreign = found_in(foreign_images, head))
        return refuse(name, "is " + std::string(foreign->what), "qemu-img convert -O qcow2 " + name + " disk.qcow2");
    const bool whole = info.st_size % sector_bytes == 0;
    const bool blank = head.find_first_not_of('\0') == std::string_view::npos;
    if (whole && (blank || found_in(raw_contents, head))) return "raw";
    return refuse(name,
                  whole
                      ? "has no content that a disk has: no qcow2, no partition table, no file system that castra knows"
                      : "is no disk image: its " + std::to_string(info.st_size) + " bytes are no whole sectors",
                  "set base_image to a qcow2 or raw image; qemu-img info " + name + " tells what it is");
}

} // namespace castra
