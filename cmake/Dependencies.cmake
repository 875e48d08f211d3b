# SPDX-License-Identifier: Apache-2.0
# Every library we use, found once. Debian's names are in configs/packages/build.
set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Boost 1.81 REQUIRED COMPONENTS filesystem)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(tomlplusplus 3.3 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(valijson REQUIRED)
set(OPENSSL_USE_STATIC_LIBS ON) # a third of the start-up time went into mapping the shared one
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
if(CASTRA_TESTS)
  find_package(GTest REQUIRED)
endif()
