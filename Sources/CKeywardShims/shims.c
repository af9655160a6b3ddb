#include "CKeywardShims.h"
