// Operating-system calls that Swift cannot import: prctl, ucred, abstract sockets.
#pragma once
