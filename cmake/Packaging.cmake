# SPDX-License-Identifier: Apache-2.0
# What an installation has beside programs, plugins and the SDK; and `cpack`, which makes a Debian package of it.
install(FILES docs/man/castra.1 DESTINATION share/man/man1)
# Completion is made by the program that is installed, from its own grammar.
foreach(place "bash:share/bash-completion/completions/castra" "zsh:share/zsh/vendor-completions/_castra"
        "fish:share/fish/vendor_completions.d/castra.fish")
  string(REPLACE ":" ";" place ${place})
  list(GET place 0 shell)
  list(GET place 1 file)
  install(CODE "
    set(file \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${file}\")
    get_filename_component(folder \"\${file}\" DIRECTORY)
    file(MAKE_DIRECTORY \"\${folder}\")
    execute_process(COMMAND \"$<TARGET_FILE:castra>\" completion ${shell} OUTPUT_FILE \"\${file}\" COMMAND_ERROR_IS_FATAL ANY)
    message(STATUS \"Installing: \${file}\")")
endforeach()

# find_package(castra): the kernel for embedders (docs/EMBEDDING.md), as static libraries, and what they link.
include(CMakePackageConfigHelpers)
get_property(rooms GLOBAL PROPERTY castra_embedded_rooms)
install(TARGETS castra_sdk ${rooms} EXPORT castra ARCHIVE DESTINATION lib/castra)
foreach(room IN LISTS rooms)
  string(REPLACE castra_ "" room ${room})
  install(DIRECTORY kernel/${room} DESTINATION include/castra/kernel FILES_MATCHING PATTERN *.hpp)
endforeach()
install(EXPORT castra NAMESPACE castra:: FILE castra-targets.cmake DESTINATION lib/cmake/castra)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/castra-config-version.cmake VERSION ${PROJECT_VERSION}
                                 COMPATIBILITY SameMinorVersion)
install(FILES cmake/castra-config.cmake ${PROJECT_BINARY_DIR}/castra-config-version.cmake DESTINATION lib/cmake/castra)
install(DIRECTORY docs/examples DESTINATION share/castra)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME castra)
set(CPACK_PACKAGE_CONTACT "The castra developers <castra@example.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "virtual machines from one file, with a contract of events")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "openssh-client, qemu-system-x86, qemu-utils")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake, nlohmann-json3-dev")
include(CPack)
