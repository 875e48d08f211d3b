# SPDX-License-Identifier: Apache-2.0
# Language, warnings, sanitizers, ccache, linker: what holds for every target of ours.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  # Precompiled headers and ccache agree only with this sloppiness.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
# Where a clone lies is in no object: what one has compiled is in ccache for the next.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
find_program(LLD ld.lld)
if(LLD)
  # What runs before main() lies together, as GNU ld has it: spread over the program it is a page fault a source file.
  add_link_options(-fuse-ld=lld LINKER:-z,keep-text-section-prefix)
endif()

# What people run: a section a function, so that what nobody calls is left out (a sixth of the program).
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT CASTRA_SANITIZE)
  add_compile_options(-ffunction-sections)
  add_link_options(LINKER:--gc-sections)
endif()

# Programs and plugins carry their own C++ library (docs/decisions/0022): to find its 2,000 symbols in a shared one was a
# third of the start-up time. Sanitizers want the shared one.
add_link_options(LINKER:--as-needed)
if(NOT CASTRA_SANITIZE)
  add_link_options(-static-libstdc++ -static-libgcc)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
  # GCC 12 misreads the operator delete of Asio's coroutine frames.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-mismatched-new-delete>)
endif()
if(CASTRA_WERROR)
  add_compile_options(-Werror)
endif()
if(CASTRA_LINT)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wglobal-constructors> -Wno-gnu-zero-variadic-macro-arguments)
endif()
if(CASTRA_SANITIZE)
  add_compile_options(-fsanitize=${CASTRA_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CASTRA_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang 14 writes what this one needs into another section than the halves of a coroutine.
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=function>)
  endif()
endif()
