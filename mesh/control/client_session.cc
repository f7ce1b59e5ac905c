// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/control/client_session.h"
