# SPDX-License-Identifier: Apache-2.0
# castra_add_plugin(NAME SOURCES file... MANIFEST manifest.json [OUTPUT_DIR dir] [USES lib...])
#
# A loadable plugin NAME.so with one exported symbol, and its manifest in an ELF note (owner "castra", type 1), so that
# castra can read what it is without running it. The manifest is checked here, at configure time; what is wrong is a
# configure error. NAME is the manifest's id. Depends on nothing but the target castra::sdk.
# OUTPUT_DIR: somewhere else than lib/castra/plugins; then it is not installed either (test plugins).
function(castra_add_plugin name)
  cmake_parse_arguments(PLUGIN "" "MANIFEST;OUTPUT_DIR" "SOURCES;USES" ${ARGN})
  if(NOT PLUGIN_SOURCES OR NOT PLUGIN_MANIFEST OR PLUGIN_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "castra_add_plugin(${name}): write castra_add_plugin(NAME SOURCES file... MANIFEST manifest.json)")
  endif()
  get_filename_component(manifest_file ${PLUGIN_MANIFEST} ABSOLUTE)
  castra_read_manifest_("${manifest_file}" "${name}" manifest)
  string(SHA256 hash "${manifest}")
  # In C where that can be compiled: a plugin may be plain C, and C is quicker.
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  set(note ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.cpp)
  if("C" IN_LIST languages)
    set(note ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.c)
  endif()
  castra_write_manifest_note_("${manifest}" ${note})

  # One symbol leaves. Hidden visibility alone is not enough: templates of the standard library would leave too.
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.version @ONLY
       CONTENT "{ global: castra_plugin_entry_v1; local: *; };\n")

  add_library(${name} MODULE ${PLUGIN_SOURCES} ${note})
  target_link_libraries(${name} PRIVATE castra::sdk ${PLUGIN_USES})
  if("CXX" IN_LIST languages)
    target_compile_features(${name} PRIVATE cxx_std_20)
  endif()
  target_compile_definitions(${name} PRIVATE CASTRA_PLUGIN_MANIFEST_SHA256="${hash}")
  # Without -fno-gnu-unique, inline variables of two plugins would become one variable.
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE "LINKER:--version-script=${CMAKE_CURRENT_BINARY_DIR}/${name}.version")
  if(NOT (CASTRA_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")) # clang's sanitizer runtime is only in programs
    target_link_options(${name} PRIVATE "LINKER:-z,defs")
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON LINK_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.version)
  if(PLUGIN_OUTPUT_DIR)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PLUGIN_OUTPUT_DIR})
  else()
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/castra/plugins)
    install(TARGETS ${name} LIBRARY DESTINATION lib/castra/plugins)
  endif()
endfunction()

# The manifest as one line in `out`. Comments and unknown order do not survive; its hash is of this line.
function(castra_read_manifest_ file name out)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" text)
  string(JSON manifest ERROR_VARIABLE problem GET "{\"m\":${text}}" m)
  if(problem)
    message(FATAL_ERROR "${file}: no JSON: ${problem}")
  endif()
  # Raw line ends stand only between tokens: inside strings they are escaped.
  string(REGEX REPLACE "[\r\n]+[ \t]*" "" manifest "${manifest}")

  foreach(wanted id:STRING version:STRING description:STRING kinds:ARRAY abi:OBJECT contract:OBJECT
                 config_schema:OBJECT emits:ARRAY isolation:ARRAY)
    string(REPLACE ":" ";" wanted ${wanted})
    list(GET wanted 0 key)
    list(GET wanted 1 type)
    string(JSON actual ERROR_VARIABLE problem TYPE "${manifest}" ${key})
    if(problem OR NOT actual STREQUAL type)
      message(FATAL_ERROR "${file}: \"${key}\" must be there and be of type ${type} (see sdk/schema/manifest.json)")
    endif()
  endforeach()
  string(JSON id GET "${manifest}" id)
  if(NOT id STREQUAL name OR NOT id MATCHES "^[a-z][a-z0-9-]*$")
    message(FATAL_ERROR "${file}: id \"${id}\" must be the plugin's name \"${name}\", of a-z, 0-9 and -")
  endif()
  string(JSON count LENGTH "${manifest}" kinds)
  if(count EQUAL 0)
    message(FATAL_ERROR "${file}: \"kinds\" is empty")
  endif()
  math(EXPR last "${count} - 1")
  foreach(index RANGE ${last})
    string(JSON kind GET "${manifest}" kinds ${index})
    if(NOT kind MATCHES "^castra\\.(launcher|broker_launcher|bootstrap_step|reporter)/[1-9][0-9]*$")
      message(FATAL_ERROR "${file}: unknown kind \"${kind}\" (like castra.reporter/1)")
    endif()
  endforeach()
  string(LENGTH "${manifest}" length)
  if(length GREATER 262144)
    message(FATAL_ERROR "${file}: ${length} bytes; a manifest has at most 262144")
  endif()
  set(${out} "${manifest}" PARENT_SCOPE)
endfunction()

# Bytes, not text: nothing has to be quoted. Top-level assembly, because a C array cannot ask for the section type NOTE.
function(castra_write_manifest_note_ manifest file)
  string(HEX "${manifest}" hex)
  string(LENGTH "${hex}" digits)
  math(EXPR size "${digits} / 2")
  set(pair "[0-9a-f][0-9a-f]")
  string(REPEAT "${pair}" 16 row)
  string(REGEX REPLACE "(${row})" "\\1\n" rows "${hex}")
  string(REGEX REPLACE "(${pair})" "0x\\1," rows "${rows}")
  string(REGEX REPLACE ",\n?$" "" rows "${rows}")
  string(REPLACE ",\n" "\\n\"\n    \".byte " rows "${rows}")
  file(CONFIGURE OUTPUT ${file} @ONLY CONTENT "/* Made by castra_add_plugin: the manifest as an ELF note. */
typedef int castra_manifest_note_only;
__asm__(
    \".pushsection .note.castra, \\\"a\\\", %note\\n\"
    \".balign 4\\n\"
    \".long 7, @size@, 1\\n\"
    \".asciz \\\"castra\\\"\\n\"
    \".balign 4\\n\"
    \".byte @rows@\\n\"
    \".balign 4\\n\"
    \".popsection\\n\");
")
endfunction()
