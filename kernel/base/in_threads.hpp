// SPDX-License-Identifier: Apache-2.0
// Work on many things that do not depend on each other, in as many threads as there are cores, for work that takes
// microseconds each and waits for nobody. Returns when all is done.
#pragma once
#include <cstddef>
#include <functional>

namespace castra {

// `work` is called once with each number below `count`, from any thread, and must not throw. `enough`: so many are
// worth a thread. This thread works too, and alone where the machine gives no more.
void in_threads(std::size_t count, std::size_t enough, const std::function<void(std::size_t)>& work);

} // namespace castra
