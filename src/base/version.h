/* The program's version; what is rendered by another one is rendered anew. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define VPNUNIT_VERSION "0.1.0"

#endif
