#include "kw_system.h"
