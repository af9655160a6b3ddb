// C macros, variadics and _GNU_SOURCE names that Swift cannot import, one header per topic.
#pragma once
