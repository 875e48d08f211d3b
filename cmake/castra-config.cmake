# SPDX-License-Identifier: Apache-2.0
# find_package(castra): the target castra::kernel, castra inside another program. See docs/EMBEDDING.md. An installation may
# be moved as a whole.
include(CMakeFindDependencyMacro)
set(Boost_NO_WARN_NEW_VERSIONS ON)
find_dependency(Boost 1.81 COMPONENTS filesystem)
find_dependency(nlohmann_json 3.11)
find_dependency(tl-expected)
set(OPENSSL_USE_STATIC_LIBS ON)
find_dependency(OpenSSL COMPONENTS Crypto)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/castra-targets.cmake")
if(NOT TARGET castra::kernel)
  add_library(castra::kernel INTERFACE IMPORTED)
  target_link_libraries(castra::kernel INTERFACE castra::castra_operations)
  target_compile_features(castra::kernel INTERFACE cxx_std_20)
endif()
