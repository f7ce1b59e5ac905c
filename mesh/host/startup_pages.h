// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace weft::host {

/// Unmaps the code pages of this process and its libraries, which then come back from the page cache one by one as they
/// run: what only the start needed (command line, TLS handshakes, first network map) is no longer resident. Call it
/// once, when a daemon has settled. Code is never written, so nothing is lost, except breakpoints of a debugger that is
/// attached.
void release_startup_pages();

}  // namespace weft::host
