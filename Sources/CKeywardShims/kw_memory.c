#include "kw_memory.h"
