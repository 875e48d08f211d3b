# SPDX-License-Identifier: Apache-2.0
# find_package(castra-sdk): the targets castra::sdk and castra::testkit, castra_add_plugin(), castra_add_plugin_test(), and the programs castra::castra and
# castra::plugin-host for tests. An installation may be moved as a whole.
include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json 3.11)
get_filename_component(castra_sdk_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET castra::sdk)
  add_library(castra::sdk INTERFACE IMPORTED)
  set_target_properties(castra::sdk PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${castra_sdk_prefix}/include")
  target_link_libraries(castra::sdk INTERFACE nlohmann_json::nlohmann_json)
  add_library(castra::testkit INTERFACE IMPORTED)
  target_link_libraries(castra::testkit INTERFACE castra::sdk ${CMAKE_DL_LIBS})
  foreach(program castra castra-plugin-host)
    string(REPLACE castra-plugin-host plugin-host target ${program})
    add_executable(castra::${target} IMPORTED)
    set_target_properties(castra::${target} PROPERTIES IMPORTED_LOCATION "${castra_sdk_prefix}/bin/${program}")
  endforeach()
endif()
include("${CMAKE_CURRENT_LIST_DIR}/castra_add_plugin.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/castra_add_plugin_test.cmake")
