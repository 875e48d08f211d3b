# SPDX-License-Identifier: Apache-2.0
# Writes version.hpp with the commit, at build time; touches it only when it changes. -DSOURCE -DOUTPUT -DVERSION
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit "unknown")
endif()
file(WRITE ${OUTPUT}.new "// Generated.\n#pragma once\nnamespace castra {\ninline constexpr const char* version = \"${VERSION}+${commit}\";\n}\n")
execute_process(COMMAND ${CMAKE_COMMAND} -E copy_if_different ${OUTPUT}.new ${OUTPUT})
