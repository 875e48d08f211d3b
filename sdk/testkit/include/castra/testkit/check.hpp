// SPDX-License-Identifier: Apache-2.0
// For tests that want no framework: each failed check says where, and the program's exit code tells how it went.
//   int main() { ...; CASTRA_CHECK_THAT(plan.argv.size() == 2); return castra::testkit::result(); }
// With a framework of your own you need only plugin_under_test.hpp.
#pragma once
#include <cstdio>

namespace castra::testkit {

inline int& failures() {
    static int count = 0;
    return count;
}
inline void check(bool holds, const char* what, const char* file, int line) {
    if (holds) return;
    ++failures();
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
}
inline int result() {
    return failures() == 0 ? 0 : 1;
}

// Runs `what`; whether it threw an `Exception` for which `fits` says yes.
template <class Exception, class What, class Fits>
bool throws(What&& what, Fits&& fits) {
    try {
        what();
    } catch (const Exception& thrown) {
        return fits(thrown);
    }
    return false;
}

} // namespace castra::testkit

#define CASTRA_CHECK_THAT(...)                                                                                         \
    ::castra::testkit::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
