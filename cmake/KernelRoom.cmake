# SPDX-License-Identifier: Apache-2.0
# Eight files are compiled as one: what they all include and instantiate is made once (docs/decisions/0074). Not those
# that are a library's code already.
function(castra_in_batches target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${CASTRA_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  if(CASTRA_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It takes a file for a header here, whose types nobody else should see the inside of.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
  endif()
  foreach(file IN LISTS ARGN)
    if(file MATCHES "_(library|instances)\\.cpp$")
      set_source_files_properties(${file} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# castra_room(NAME [PCH room] [USES lib...]): one static library per kernel folder, from every .cpp in it. What a room
# may include is what it links: a header of a room outside USES is not found, a call outside USES does not link.
function(castra_room name)
  cmake_parse_arguments(ROOM "" "PCH" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  add_library(castra_${name} STATIC ${sources})
  castra_in_batches(castra_${name} ${sources})
  # kernel/<room>/x.hpp is included as "<room>/x.hpp": each room publishes only itself.
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/rooms/${name})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${name} ${CMAKE_BINARY_DIR}/rooms/${name}/${name} SYMBOLIC)
  target_include_directories(castra_${name} PUBLIC $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/rooms/${name}>
                                                   $<INSTALL_INTERFACE:include/castra/kernel>)
  target_link_libraries(castra_${name} PUBLIC ${ROOM_USES})
  if(NOT name MATCHES "^(cli|validator)$") # what an embedder links: operations and all below it
    set_property(GLOBAL APPEND PROPERTY castra_embedded_rooms castra_${name})
  endif()
  if(ROOM_PCH)
    target_precompile_headers(castra_${name} REUSE_FROM castra_${ROOM_PCH})
  endif()
endfunction()
