# SPDX-License-Identifier: Apache-2.0
# castra_add_plugin_test(PLUGIN SOURCES file...): a test of a plugin, in C++ with castra::testkit: a program that loads the
# plugin's .so as castra does. It finds it as CASTRA_PLUGIN_FILE; exit code 0 means that all is well.
function(castra_add_plugin_test plugin)
  cmake_parse_arguments(TEST "" "" "SOURCES;USES" ${ARGN})
  if(NOT TEST_SOURCES OR TEST_UNPARSED_ARGUMENTS OR NOT TARGET ${plugin})
    message(FATAL_ERROR "castra_add_plugin_test(${plugin}): write castra_add_plugin_test(PLUGIN SOURCES file...), after castra_add_plugin(PLUGIN ...)")
  endif()
  add_executable(${plugin}-test ${TEST_SOURCES})
  target_link_libraries(${plugin}-test PRIVATE castra::testkit ${TEST_USES})
  target_compile_features(${plugin}-test PRIVATE cxx_std_20)
  target_compile_definitions(${plugin}-test PRIVATE "CASTRA_PLUGIN_FILE=\"$<TARGET_FILE:${plugin}>\"")
  add_dependencies(${plugin}-test ${plugin})
  add_test(NAME ${plugin}-test COMMAND ${plugin}-test)
endfunction()
