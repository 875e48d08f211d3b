// SPDX-License-Identifier: Apache-2.0
// The code of Boost.URL, once; everybody else includes its headers only. So it needs no library of its own.
#include <boost/url/src.hpp>
