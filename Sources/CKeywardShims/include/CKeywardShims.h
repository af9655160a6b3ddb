// C macros, variadics and _GNU_SOURCE names that Swift cannot import, one header per topic.
#pragma once
#include "kw_memory.h"
#include "kw_process.h"
#include "kw_system.h"
