// SPDX-License-Identifier: Apache-2.0
#include "host/program_text.hpp"

#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 // of <linux/mman.h> since 5.14
#endif

extern "C" {
// The linker's: where the program begins, and where its code ends.
extern const char __executable_start[]; // NOLINT(bugprone-reserved-identifier)
extern const char etext[];
}

namespace castra {

void map_program_text() noexcept {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(__executable_start) & ~(page - 1);
    const auto end = (reinterpret_cast<std::uintptr_t>(etext) + page - 1) & ~(page - 1);
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin,
                    MADV_POPULATE_READ); // NOLINT(performance-no-int-to-ptr)
}

} // namespace castra
