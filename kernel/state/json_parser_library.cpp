// SPDX-License-Identifier: Apache-2.0
// The code of Boost.JSON, compiled once: see record_head.cpp.
#include <boost/json/src.hpp>
