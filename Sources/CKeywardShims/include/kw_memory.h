// Memory that leaves no trace: memfd_secret, mlock, madvise.
#pragma once
