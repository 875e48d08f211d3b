# SPDX-License-Identifier: Apache-2.0
# What an installation has beside programs, plugins and the SDK; and `cpack`, which makes a Debian package of it.
install(FILES docs/man/castra.1 DESTINATION share/man/man1)
install(FILES cmake/completion/castra.bash DESTINATION share/bash-completion/completions RENAME castra)

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
