/*
 * As what this program names itself: to peers (PS3.7 D.3.3.2), and in files that it
 * writes (PS3.10 7.1).
 */
#pragma once

#define OWN_IMPLEMENTATION_UID	   "2.25.5753710948619639966414333522899309279"
#define OWN_IMPLEMENTATION_VERSION "CATHGATE_0_1"
