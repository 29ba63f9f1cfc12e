# After cpack has packed: the same content once more by dpkg-deb, which sorts, and everything
# dated as the changelog is, so that two builds give the same bits.
set(ENV{SOURCE_DATE_EPOCH} "${CPACK_CATHGATE_DATE}")
foreach(package ${CPACK_PACKAGE_FILES})
	set(again ${CPACK_TEMPORARY_DIRECTORY}-again)
	file(REMOVE_RECURSE ${again})
	execute_process(COMMAND dpkg-deb --raw-extract ${package} ${again}
		COMMAND_ERROR_IS_FATAL ANY)
	execute_process(
		COMMAND find ${again} -exec touch --no-dereference
		        --date=@${CPACK_CATHGATE_DATE} {} +
		COMMAND_ERROR_IS_FATAL ANY)
	execute_process(
		COMMAND dpkg-deb -Zxz --root-owner-group --build ${again} ${package}
		OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
	file(REMOVE_RECURSE ${again})
endforeach()
