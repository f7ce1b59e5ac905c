# What is installed, and the Debian packages weft and weft-lab (CPack; `scripts/package` builds them). Other files that a
# program is described by are written by the program itself, so that they say what it takes.
include(GNUInstallDirs)

# weft_reference(PROGRAM COMPONENT): manual page and shell completions of PROGRAM.
function(weft_reference program component)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/reference)
  file(MAKE_DIRECTORY ${out})
  add_custom_command(OUTPUT ${out}/${program}.1.gz ${out}/${program} ${out}/_${program}
    COMMAND $<TARGET_FILE:${program}> manual > ${out}/${program}.1
    COMMAND gzip -9nf ${out}/${program}.1
    COMMAND $<TARGET_FILE:${program}> completion bash > ${out}/${program}
    COMMAND $<TARGET_FILE:${program}> completion zsh > ${out}/_${program}
    DEPENDS ${program} VERBATIM)
  add_custom_target(${program}_reference DEPENDS ${out}/${program}.1.gz)
  add_dependencies(packaged ${program}_reference)
  install(FILES ${out}/${program}.1.gz DESTINATION share/man/man1 COMPONENT ${component} OPTIONAL)
  install(FILES ${out}/${program} DESTINATION share/bash-completion/completions COMPONENT ${component} OPTIONAL)
  install(FILES ${out}/_${program} DESTINATION share/zsh/vendor-completions COMPONENT ${component} OPTIONAL)
endfunction()

# weft_changelog(PACKAGE COMPONENT): Debian wants one; the history is the commits.
function(weft_changelog package component)
  set(file ${CMAKE_CURRENT_BINARY_DIR}/${package}-changelog)
  file(WRITE ${file} "${package} (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * Built from the sources; see the history of the repository.\n\n"
    " -- The Weft authors <weft@localhost>  Thu, 01 Jan 2026 00:00:00 +0000\n")
  execute_process(COMMAND gzip -9nf ${file})
  install(FILES ${file}.gz DESTINATION share/doc/${package} RENAME changelog.gz COMPONENT ${component})
endfunction()

# Builds all that the packages hold.
add_custom_target(packaged ALL)

if(TARGET weft)
  add_dependencies(packaged weft)
  weft_reference(weft weft)
  weft_changelog(weft weft)
  install(FILES mesh/bin/systemd/weft-agent.service mesh/bin/systemd/weft-coordinator.service mesh/bin/systemd/weft-relay.service
    DESTINATION /lib/systemd/system COMPONENT weft)
  install(FILES mesh/bin/etc/weft.json mesh/bin/etc/coordinator.env DESTINATION /etc/weft COMPONENT weft)
  install(FILES mesh/bin/etc/relay.env DESTINATION /etc/weft COMPONENT weft PERMISSIONS OWNER_READ OWNER_WRITE)
  install(FILES mesh/bin/debian/copyright licenses/BSD-3-Clause.txt docs/cli.md docs/operations.md docs/threat-model.md
    DESTINATION share/doc/weft COMPONENT weft)
endif()
if(TARGET weft-lab)
  add_dependencies(packaged weft-lab weft_stack weft_python)
  weft_reference(weft-lab lab)
  weft_changelog(weft-lab lab)
  install(TARGETS weft-lab RUNTIME DESTINATION bin COMPONENT lab)
  install(TARGETS weft_stack LIBRARY DESTINATION lib COMPONENT lab)
  install(TARGETS weft_python LIBRARY DESTINATION lib/python3/dist-packages/weft COMPONENT lab)
  install(DIRECTORY sim/python/weft DESTINATION lib/python3/dist-packages COMPONENT lab FILES_MATCHING PATTERN "*.py*" PATTERN "*.typed" PATTERN "__pycache__" EXCLUDE)
  install(DIRECTORY scenarios nat-models DESTINATION share/weft-lab COMPONENT lab FILES_MATCHING PATTERN "*.json" PATTERN "*.graphml")
  install(FILES sim/bin/debian/copyright docs/scenario.md docs/models.md docs/trace.md docs/ns3.md docs/python.md docs/sweeps.md
    DESTINATION share/doc/weft-lab COMPONENT lab)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_VENDOR Weft)
set(CPACK_PACKAGE_CONTACT "The Weft authors <weft@localhost>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_COMPONENTS_ALL weft)
if(TARGET weft-lab)
  list(APPEND CPACK_COMPONENTS_ALL lab)
endif()
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_WEFT_PACKAGE_NAME weft)
set(CPACK_DEBIAN_WEFT_PACKAGE_SECTION net)
set(CPACK_DEBIAN_WEFT_DESCRIPTION "mesh VPN: agent, coordinator and relay
 Direct encrypted tunnels between all machines of a network, through NATs and
 firewalls, with WireGuard on the wire; through a relay where no direct path
 exists.")
set(CPACK_DEBIAN_WEFT_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/mesh/bin/debian/postinst;${PROJECT_SOURCE_DIR}/mesh/bin/debian/prerm;${PROJECT_SOURCE_DIR}/mesh/bin/debian/postrm;${PROJECT_BINARY_DIR}/debian/conffiles")
set(CPACK_DEBIAN_WEFT_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${PROJECT_BINARY_DIR}/debian/conffiles "/etc/weft/coordinator.env\n/etc/weft/relay.env\n/etc/weft/weft.json\n")
set(CPACK_DEBIAN_LAB_PACKAGE_NAME weft-lab)
set(CPACK_DEBIAN_LAB_PACKAGE_SECTION net)
set(CPACK_DEBIAN_LAB_PACKAGE_RECOMMENDS "python3 (>= 3.11), python3-numpy")
set(CPACK_DEBIAN_LAB_PACKAGE_SUGGESTS "weft, python3-distributed")
set(CPACK_DEBIAN_LAB_DESCRIPTION "laboratory for the mesh VPN weft
 Runs the code of weft in simulated networks in virtual time, with models of
 NATs, links and faults, and as a gateway between real interfaces.")
include(CPack)
