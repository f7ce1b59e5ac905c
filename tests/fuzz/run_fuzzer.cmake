# cmake -DPROGRAM=... -DSECONDS=... -DSEEDS=... -DFOUND=... -P run_fuzzer.cmake: runs one libFuzzer program for a while, with the
# committed seeds read only. Fails if the program does.
if(DEFINED ENV{WEFT_FUZZ_SECONDS})
  set(SECONDS $ENV{WEFT_FUZZ_SECONDS})
endif()
file(MAKE_DIRECTORY ${FOUND})
set(corpus ${FOUND})
if(IS_DIRECTORY ${SEEDS})
  list(APPEND corpus ${SEEDS})
endif()
execute_process(COMMAND ${PROGRAM} -max_total_time=${SECONDS} -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
                        -artifact_prefix=${FOUND}- ${corpus}
                RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}; the input that broke it is ${FOUND}-*")
endif()
