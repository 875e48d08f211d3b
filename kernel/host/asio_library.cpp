// SPDX-License-Identifier: Apache-2.0
// The code of Boost.Asio, compiled once: see BOOST_ASIO_SEPARATE_COMPILATION in kernel/CMakeLists.txt.
#include <boost/asio/impl/src.hpp>
