# Run at build time: writes OUTPUT with the commit of SOURCE_DIR, and only if it changed.
execute_process(COMMAND git -c safe.directory=* -C ${SOURCE_DIR} describe --always --dirty=+ --abbrev=10
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define WEFT_COMMIT \"${commit}\"\n")
