/*
 * Readers for the kinds of text in a configuration. Each checks a text and copies it in
 * its normal form, or adds a fault that says what to write instead.
 */
#pragma once

#include "reader.h"

/* *ret is a const char *. */
reader_item item_name;		 /* of an entry: 1 to 63 bytes of UTF-8 */
reader_item item_gateway_name;	 /* letters, digits, '.', '_', '-' */
reader_item item_host;		 /* a name or a numeric address */
reader_item item_number_address; /* a numeric address */
reader_item item_socket;	 /* a name as systemd.socket's FileDescriptorName= */
reader_item item_dns;		 /* a name, no wildcard */
reader_item item_uri;
reader_item item_word; /* of a command: any text but "" */
reader_item item_common_name;
reader_item item_digest;	  /* lower case, no colons */
reader_item item_sop_class;	  /* a UID */
reader_item item_transfer_syntax; /* likewise */

/* *ret is the struct of that name. */
reader_item item_ae_title;
reader_item item_address_range;
reader_item item_file;
reader_item item_key_file; /* or the URI of a private key in a token */
