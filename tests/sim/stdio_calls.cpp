// SPDX-License-Identifier: Apache-2.0
// Streams of the C library, which std::ifstream opens: see file_calls.cpp.
#include "wrapped.hpp"

#include <cstdio>
#include <fcntl.h>

using namespace castra::sim;

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
extern "C" {
FILE* __real_fopen64(const char*, const char*);
int __real_fclose(FILE*);
int __real_fileno(FILE*);
int __real_fflush(FILE*);
int __wrap_close(int);
}

namespace {

// std::ifstream's FILE: only its descriptor counts.
struct Reader {
    int fd = -1;
};
std::set<void*>& readers() {
    static std::set<void*> all;
    return all;
}

} // namespace

extern "C" {

FILE* __wrap_fopen64(const char* path, const char* mode) {
    if (!simulated(path)) return __real_fopen64(path, mode);
    const int fd = sim_open(path, O_RDONLY);
    if (fd < 0) return nullptr;
    auto* reader = new Reader{fd};
    readers().insert(reader);
    return reinterpret_cast<FILE*>(reader);
}

FILE* __wrap_fopen(const char* path, const char* mode) {
    return __wrap_fopen64(path, mode);
}

int __wrap_fclose(FILE* file) {
    if (readers().erase(file) == 0) return __real_fclose(file);
    const std::unique_ptr<Reader> reader(reinterpret_cast<Reader*>(file));
    return __wrap_close(reader->fd);
}

int __wrap_fileno(FILE* file) {
    return readers().contains(file) ? reinterpret_cast<Reader*>(file)->fd : __real_fileno(file);
}

int __wrap_fflush(FILE* file) {
    return readers().contains(file) ? 0 : __real_fflush(file);
}

} // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
