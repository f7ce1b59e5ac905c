// SPDX-License-Identifier: BSD-3-Clause
#include "mesh/coordinator/coordinator.h"
